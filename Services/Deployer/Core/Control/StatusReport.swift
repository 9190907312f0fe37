/// How a deployment is, without the times, so that equal reports are equal.
struct StatusReport: Equatable, Sendable {
    /// Of DeploymentStatus.State.
    enum State: Int16, Sendable {
        case deploying = 1
        case healthy = 2
        case degraded = 3
        case failed = 4
        case asleep = 5
        case deleting = 6
    }

    struct Condition: Equatable, Sendable {
        var type: String
        var holds: Bool?
        var reason: String
        var message: String
    }

    var state: State
    var conditions: [Condition]
    var wanted: Int
    /// The same by revision; not compared, since it follows from the rest.
    var wantedByRevision: [Int: Int] = [:]
    var ready: Int
    var generation: Int64

    static func == (left: StatusReport, right: StatusReport) -> Bool {
        left.state == right.state && left.conditions == right.conditions && left.wanted == right.wanted
            && left.ready == right.ready && left.generation == right.generation
    }
}
