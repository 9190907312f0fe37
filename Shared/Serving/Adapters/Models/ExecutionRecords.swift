import Glibc

/// The records of an instance: as many as it ever executed at once, and some more, so that one that has just ended rests
/// for a while before it is used again.
final class ExecutionRecords: @unchecked Sendable {
    private static let restingMin = 4
    private let host: AdapterHost
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private var records: [ExecutionRecord] = []
    private var next = 0

    init(host: AdapterHost) {
        self.host = host
        mutex = .allocate(capacity: 1)
        mutex.initialize(to: pthread_mutex_t())
        pthread_mutex_init(mutex, nil)
    }

    deinit {
        host.retire(records)
        pthread_mutex_destroy(mutex)
        mutex.deallocate()
    }

    func take() -> ExecutionRecord {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        if records.count >= ExecutionRecords.restingMin {
            for _ in records.indices {
                let record = records[next]
                next = next + 1 == records.count ? 0 : next + 1
                if !record.isTaken {
                    record.isTaken = true
                    return record
                }
            }
        }
        let record = host.makeRecord()
        record.isTaken = true
        records.append(record)
        return record
    }

    func give(_ record: ExecutionRecord) {
        pthread_mutex_lock(mutex)
        record.isTaken = false
        pthread_mutex_unlock(mutex)
    }
}
