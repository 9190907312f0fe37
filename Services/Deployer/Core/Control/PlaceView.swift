internal import DeployerTargets

/// What a place said it runs, by deployment.
struct PlaceView: Sendable {
    /// Larger than that of every view that was begun before.
    var begun: Int64
    var replicas: [Int64: [ReplicaID: PlacedReplica]] = [:]
    /// Why it did not answer.
    var trouble: String?

    func of(_ deployment: Int64) -> ObservedDeployment.Place {
        if let trouble { return .unreachable(trouble) }
        return .seen(replicas[deployment] ?? [:])
    }

    init(begun: Int64, trouble: String) {
        self.begun = begun
        self.trouble = trouble
    }

    init(begun: Int64, suite: String, _ observed: [ObservedReplica]) {
        self.begun = begun
        for replica in observed where replica.owner.suite == suite {
            replicas[replica.owner.deploymentID, default: [:]][replica.id] = PlacedReplica(replica)
        }
    }
}

extension PlacedReplica {
    init(_ replica: ObservedReplica) {
        let state: State =
            switch replica.state {
            case .starting, .running: .alive
            case .ended(let ending): .ended(PlacedReplica.words(ending))
            }
        self.init(state: state, revision: replica.owner.revision, address: replica.address.map { "\($0)" })
    }

    private static func words(_ ending: ObservedReplica.Ending) -> String {
        var text: String
        if ending.ranOutOfMemory {
            text = "it ran out of memory"
        } else if let signal = ending.signal {
            text = "it was ended by signal \(signal)"
        } else if let code = ending.code {
            text = "it ended with code \(code)"
        } else {
            text = "it ended"
        }
        let words = ending.lastWords.drop { $0 == "\n" || $0 == " " }
        return words.isEmpty ? text : "\(text): \(words)"
    }
}
