/// How many replicas there are to be, with every default filled in.
struct ScalingGoals: Hashable, Sendable {
    enum Measure: Hashable, Sendable {
        case utilisation
        case concurrency
        case rate
    }

    var minimum = 1
    var maximum = 10
    var measure: Measure = .utilisation
    /// Above zero.
    var goal = 0.7
    var refresh: Duration = .seconds(1)
    var downAfter: Duration = .seconds(60)
    var upAfter: Duration = .zero
    var zeroAfter: Duration = .seconds(300)

    /// Within what is allowed. Where somebody asks, one is the least.
    func bounded(_ count: Int) -> Int { min(max(count, max(1, minimum)), max(1, maximum)) }
}

/// How much is asked of a deployment.
struct Demand: Equatable, Sendable {
    /// Requests a second that were answered.
    var rate = 0.0
    /// Seconds that one takes.
    var duration = 0.0
    /// Requests that are being answered.
    var inFlight = 0.0
    /// Requests that wait for a replica.
    var waiting = 0
    /// Over how many seconds the rate was measured.
    var span = 1.0

    /// Whether anybody asks.
    var isPresent: Bool { rate > 0 || inFlight > 0 || waiting > 0 }

    /// Slots that are busy on average. Requests that take longer than the measuring did are not in the rate yet: of those
    /// it is known how many there are.
    var busy: Double {
        let answered = rate * duration
        return rate == 0 || duration > span ? max(answered, inFlight) : answered
    }
}

extension ScalingGoals {
    /// What the demand asks for, without bounds and waiting times: replicas = ceil(busy slots / goal / slots of each), and
    /// alike for the other measures. Grows with each part of the demand.
    func computed(_ demand: Demand, slots: Int) -> Int {
        let load = demand.busy + Double(demand.waiting)
        let goal = goal.isFinite && goal > 0 ? goal : 1
        let needed: Double
        switch measure {
        case .utilisation: needed = load / goal / Double(max(1, slots))
        case .concurrency: needed = load / goal
        // Who waits was not answered, and so is in no rate.
        case .rate: needed = max(demand.rate / goal, demand.waiting > 0 ? 1 : 0)
        }
        guard needed.isFinite else { return needed > 0 ? ScalingGoals.most : 0 }
        // Sums of measured numbers miss whole numbers by a hair.
        return Int(min((needed - 1e-9).rounded(.up), Double(ScalingGoals.most)).magnitude)
    }

    private static let most = 1_000_000
}
