import Loop

/// What a keeper does.
enum KeeperDuty: String, CaseIterable, Sendable {
    /// First: what comes after it may find its rows in the month's partition then.
    case partitions
    case seal
    case retire
}

/// When each duty is due: at once, and then again a while after it was done.
struct KeeperSchedule {
    private let settings: JournalKeeperSettings
    private var times: [KeeperDuty: LoopInstant]

    init(_ settings: JournalKeeperSettings, now: LoopInstant) {
        self.settings = settings
        times = [.partitions: now, .seal: now]
        if settings.retainMonths != nil { times[.retire] = now }
    }

    /// Those that are due, in the order in which they are to be done.
    func due(_ now: LoopInstant) -> [KeeperDuty] {
        KeeperDuty.allCases.filter { duty in times[duty].map { $0 <= now } ?? false }
    }

    var next: LoopInstant { times.values.min() ?? LoopInstant(nanoseconds: .max) }

    mutating func done(_ duty: KeeperDuty, _ now: LoopInstant) {
        times[duty] = now.advanced(by: max(.milliseconds(1), interval(duty)))
    }

    mutating func failed(_ duty: KeeperDuty, _ now: LoopInstant) {
        times[duty] = now.advanced(by: max(.milliseconds(1), min(settings.retryAfter, interval(duty))))
    }

    private func interval(_ duty: KeeperDuty) -> Duration {
        switch duty {
        case .partitions: settings.partitionsEvery
        case .seal: settings.sealEvery
        case .retire: settings.retireEvery
        }
    }
}
