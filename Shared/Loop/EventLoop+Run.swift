import CLinux
import Glibc

extension EventLoop {
    /// Turns until `stop` is called: descriptors, work from other threads, timers, jobs, then the collected writes.
    /// The calling thread is the loop's thread until this returns.
    public func run() {
        threadID.store(UInt(pthread_self()), ordering: .releasing)
        pthread_setspecific(EventLoop.currentKey, Unmanaged.passUnretained(self).toOpaque())
        clock.attach(self)
        let capacity = 256
        let events = UnsafeMutablePointer<epoll_event>.allocate(capacity: capacity)
        defer { events.deallocate() }
        while !isStopping {
            let count = waitForEvents(events, capacity: capacity)
            turnStart = clock.now
            for index in 0..<count {
                dispatch(events[index])
                if localJobs.count >= EventLoop.jobsBatch {
                    runJobs()
                    flushDirty()
                }
            }
            giveAnotherTurn()
            takeRemoteWork()
            fireTimers()
            runJobs()
            flushDirty()
        }
        finish()
    }

    /// Ends `run` after the current turn and closes what is still open. From any thread.
    public func stop() { execute { self.isStopping = true } }

    /// Ends `run` as the death of the process would: descriptors are closed, and whatever waits or comes never happens. For
    /// tests of what is left then. From any thread.
    package func abandon() {
        execute {
            self.isAbandoned = true
            self.isStopping = true
        }
    }

    private func waitForEvents(_ events: UnsafeMutablePointer<epoll_event>, capacity: Int) -> Int {
        var timeout: Int32 = -1
        if !localJobs.isEmpty || !againChannels.isEmpty || !dirtyChannels.isEmpty {
            timeout = 0
        } else if let timer = timers.first, let nanoseconds = clock.sleepNanoseconds(until: timer.deadline) {
            // Rounded up: waking a fraction of a millisecond early would only turn the loop in vain.
            timeout = Int32(min((nanoseconds + 999_999) / 1_000_000, 3_600_000))
        }
        let count = epoll_wait(poll, events, Int32(capacity), timeout)
        precondition(count >= 0 || errno == EINTR, "epoll_wait: \(errno)")
        return Int(max(count, 0))
    }

    private func dispatch(_ event: epoll_event) {
        let data = event.data.u64
        if data == .max {
            var value: UInt64 = 0
            _ = Glibc.read(wakeDescriptor, &value, 8)
            return
        }
        // The descriptor may have been closed and given out anew within this very batch: the generation tells.
        let index = Int(UInt32(truncatingIfNeeded: data))
        if index < channels.count, let channel = channels[index], channel.generation == UInt32(data >> 32) {
            channel.ready(ChannelEvents(rawValue: event.events))
        }
    }

    private func giveAnotherTurn() {
        guard !againChannels.isEmpty else { return }
        let again = againChannels
        againChannels.removeAll(keepingCapacity: true)
        for channel in again {
            channel.isToReadAgain = false
            if !channel.isClosed { channel.ready(.readable) }
        }
    }

    private func takeRemoteWork() {
        guard wakePending.load(ordering: .acquiring) else { return }
        wakePending.store(false, ordering: .sequentiallyConsistent)
        let (jobs, bodies) = remote.withLock { remote in
            defer {
                remote.jobs = []
                remote.bodies = []
            }
            return (remote.jobs, remote.bodies)
        }
        localJobs.append(contentsOf: jobs)
        for body in bodies { body() }
    }

    private func fireTimers() {
        while let timer = timers.popFirst(notAfter: turnStart) { timer.take()?() }
    }

    func flushDirty() {
        guard !dirtyChannels.isEmpty else { return }
        let dirty = dirtyChannels
        dirtyChannels.removeAll(keepingCapacity: true)
        for channel in dirty {
            channel.isDirty = false
            if !channel.isClosed { channel.flush() }
        }
    }

    private func finish() {
        defer {
            threadID.store(0, ordering: .releasing)
            pthread_setspecific(EventLoop.currentKey, nil)
        }
        for channel in channels.compactMap({ $0 }) { channel.loopStopped() }
        if isAbandoned { return }
        // A timer's body may hold what holds this loop.
        for timer in timers.removeAll() {
            let dropped = timer.dropped
            _ = timer.take()
            dropped?()
        }
        let (jobs, bodies) = remote.withLock { remote in
            remote.isStopped = true
            return (remote.jobs, remote.bodies)
        }
        for body in bodies { body() }
        for job in localJobs + jobs { globalConcurrentExecutor.enqueue(job.job) }
        localJobs = []
        againChannels = []
        dirtyChannels = []
    }
}
