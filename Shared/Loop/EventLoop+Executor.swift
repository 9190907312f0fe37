import Glibc

extension EventLoop {
    public func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        if isCurrent {
            localJobs.append(job)
            return
        }
        let isStopped = remote.withLock {
            if !$0.isStopped { $0.jobs.append(job) }
            return $0.isStopped
        }
        // A task that outlives its loop ends on the global pool rather than never.
        if isStopped {
            globalConcurrentExecutor.enqueue(job)
        } else {
            wake()
        }
    }

    public func asUnownedSerialExecutor() -> UnownedSerialExecutor { UnownedSerialExecutor(ordinary: self) }
    public func asUnownedTaskExecutor() -> UnownedTaskExecutor { UnownedTaskExecutor(ordinary: self) }
    public func checkIsolated() { precondition(isCurrent, "not on the thread of loop \(name)") }
    public func isIsolatingCurrentContext() -> Bool? { isCurrent }

    /// Runs the jobs that are due. A bounded number of rounds, so that jobs that beget jobs do not starve the sockets.
    func runJobs() {
        let serial = asUnownedSerialExecutor()
        let task = asUnownedTaskExecutor()
        var rounds = 0
        while !localJobs.isEmpty && rounds < 16 {
            swap(&localJobs, &runningJobs)
            for job in runningJobs { job.runSynchronously(isolatedTo: serial, taskExecutor: task) }
            runningJobs.removeAll(keepingCapacity: true)
            rounds += 1
        }
    }
}
