import Glibc

/// A task's next step, and on whose behalf it runs.
struct LoopJob {
    var job: UnownedJob
    /// True for an actor of the loop, false for a task that merely prefers it.
    var isIsolated: Bool
}

extension EventLoop: TaskExecutor {
    public func enqueue(_ job: consuming ExecutorJob) {
        add(LoopJob(job: UnownedJob(job), isIsolated: false))
    }

    func add(_ job: LoopJob) {
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
            globalConcurrentExecutor.enqueue(job.job)
        } else {
            wake()
        }
    }

    public func asUnownedTaskExecutor() -> UnownedTaskExecutor { UnownedTaskExecutor(ordinary: self) }

    /// Runs the jobs that are due. A bounded number of rounds, so that jobs that beget jobs do not starve the sockets.
    func runJobs() {
        let task = asUnownedTaskExecutor()
        var rounds = 0
        while !localJobs.isEmpty && rounds < 16 {
            swap(&localJobs, &runningJobs)
            for job in runningJobs {
                // A job that belongs to no actor must not be run as if it did: each of its calls would then look like a
                // change of executor and go through the queue again.
                if job.isIsolated {
                    job.job.runSynchronously(isolatedTo: serial.asUnownedSerialExecutor(), taskExecutor: task)
                } else {
                    job.job.runSynchronously(on: task)
                }
            }
            worked(runningJobs.count)
            runningJobs.removeAll(keepingCapacity: true)
            rounds += 1
        }
    }
}

/// The loop as the executor of actors: an actor that returns it as its `unownedExecutor` lives on the loop's thread. The
/// actor has to keep the loop.
public final class LoopSerialExecutor: SerialExecutor, @unchecked Sendable {
    unowned(unsafe) var loop: EventLoop?

    public func enqueue(_ job: consuming ExecutorJob) {
        loop?.add(LoopJob(job: UnownedJob(job), isIsolated: true))
    }

    public func asUnownedSerialExecutor() -> UnownedSerialExecutor { UnownedSerialExecutor(ordinary: self) }
    public func checkIsolated() { precondition(loop?.isCurrent ?? false, "not on the loop's thread") }
    public func isIsolatingCurrentContext() -> Bool? { loop?.isCurrent }
}
