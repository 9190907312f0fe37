import CommandLineKit
import Contracts
import RPC

enum DeploymentLogs {
    static let follow = Flag.switch("follow", short: "f", "goes on with what comes, until Ctrl-C")
    static let revision = Flag.integer("revision", "NUMBER", in: 1...1_000_000_000, "only of this revision")
    static let replica = Flag.text("replica", "ID", "only of this replica")
    static let lines = Flag.integer("lines", "COUNT", in: 1...1_000_000, "the last so many of each replica (100)")
    static let times = Flag.switch("times", "begins each line with its time")

    static let command = Command<Session>(
        "logs", "Writes what a deployment's replicas wrote.",
        details: "Each line begins with the end of its replica's id, unless --replica names one.",
        arguments: [DeploymentGroup.name],
        flags: [
            follow.specification, revision.specification, replica.specification, lines.specification,
            times.specification,
        ],
        examples: [
            .init("slipway deployment logs churn -f", "as it goes"),
            .init("slipway deployment logs churn --revision 4 --lines 1000", "why does it not get ready?"),
        ]
    ) { values, session in
        let connection = try session.connect()
        var request = Slipway.Deployments.V1.LogsRequest()
        request.name = values[DeploymentGroup.name]
        request.revision = Int32(values[revision] ?? 0)
        request.replica = values[replica] ?? ""
        request.lines = Int32(values[lines] ?? 0)
        request.follow = values[follow]
        var persistence = Persistence(on: connection.loop, failuresMax: EventTail.failuresMax) { session.note($0) }
        // What of a replica was written already, where a stream is begun again.
        var last: [String: Slipway.Deployments.V1.LogLine] = [:]
        var resumed: [String: Slipway.Deployments.V1.LogLine] = [:]
        var count: Int64 = 0
        while true {
            do {
                try await connection.deployments.logs(request) { responses in
                    for try await response in responses {
                        for line in response.lines {
                            if let old = resumed[line.replica], !isAfter(line, old) { continue }
                            last[line.replica] = line
                            try session.stream(line) {
                                text(line, hasTimes: values[times], isOnly: !request.replica.isEmpty, session)
                            }
                        }
                        count += 1
                        persistence.reached(count)
                    }
                }
                if !request.follow { return }
                throw RPCError(.unavailable, "the deployer ended the stream")
            } catch let error as RPCError {
                try await persistence.pause(after: error)
                resumed = last
            }
        }
    }

    private static func isAfter(
        _ line: Slipway.Deployments.V1.LogLine, _ other: Slipway.Deployments.V1.LogLine
    ) -> Bool {
        guard let time = line.at, let before = other.at else { return true }
        return (time.seconds, time.nanos) > (before.seconds, before.nanos)
    }

    private static func text(
        _ line: Slipway.Deployments.V1.LogLine, hasTimes: Bool, isOnly: Bool, _ session: Session
    ) -> String {
        let time = hasTimes ? session.stamp(line.at) + "  " : ""
        let replica = isOnly ? "" : "\(line.replica.suffix(8))  "
        return time + DisplayText.harmless(replica + line.text)
    }
}
