import Activities
import Glibc
import Journal
import Loop
import Postgres
import ServiceKit

/// Works on activities whose steps can be counted, so that a test can kill it anywhere and count:
///
///     activity-worker work FOLDER NAME    runs activities until SIGTERM; says each step that it is at
///     activity-worker control FOLDER      starts a database in the folder, obeys lines on standard input
@main
struct ActivityWorkerProgram {
    static func main() {
        ProcessSignals.hold()
        let arguments = Array(CommandLine.arguments.dropFirst())
        if arguments.first == "work" { say("holds signals") }
        // Not on the main thread, which only waits.
        Task.detached {
            do {
                switch arguments.first {
                case "work" where arguments.count == 3: try await work(arguments[1], arguments[2])
                case "control" where arguments.count == 2: try await control(arguments[1])
                default: throw Complaint(description: "work FOLDER NAME, or control FOLDER")
                }
                exit(0)
            } catch {
                say("failed: \(error)")
                exit(1)
            }
        }
        while true { pause() }
    }

    struct Complaint: Error, CustomStringConvertible {
        let description: String
    }

    /// The same settings for all, so that whoever comes first starts the server.
    static func cluster(_ folder: String) async throws -> PrivateCluster {
        var configuration = PrivateCluster.Configuration(folder: folder)
        configuration.settings = [("fsync", "off"), ("max_connections", "100")]
        return try await PrivateCluster.start(configuration)
    }

    static func pool(_ connection: String, _ loops: LoopGroup) -> PostgresPool {
        var configuration = PostgresConfiguration(connection: connection)
        configuration.pool.connectionsMax = 8
        return PostgresPool(configuration, loops: loops.loops)
    }

    static func work(_ folder: String, _ name: String) async throws {
        let loops = try LoopGroup(count: 1)
        try loops.start()
        let pool = pool(try await cluster(folder).connectionString, loops)
        let activities = Activities(pool, loop: loops.loops[0])
        var configuration = ActivityWorker.Configuration()
        configuration.concurrency = 3
        configuration.leaseDuration = .milliseconds(1500)
        configuration.onEvent = { say("event \($0)") }
        let worker = ActivityWorker(
            activities, name: name,
            handlers: [Steps("resumable", isResumable: true), Steps("fragile", isResumable: false)],
            configuration: configuration)
        var group = ServiceGroup.Configuration()
        group.signals = ProcessSignals.stop
        try await ServiceGroup([activities, worker], loop: loops.loops[0], configuration: group).run()
    }

    static func say(_ text: String) {
        let line = Array("\(text)\n".utf8)
        _ = write(STDOUT_FILENO, line, line.count)
    }
}

/// Does as many steps as its input says. Each leaves a row, in the transaction that saves how far it is.
struct Steps: ActivityHandler {
    let kind: String
    let isResumable: Bool

    init(_ kind: String, isResumable: Bool) {
        self.kind = kind
        self.isResumable = isResumable
    }

    func run(_ context: ActivityContext) async throws -> PostgresJSON? {
        let id = context.activity.id
        let count = Int(context.activity.input?.text ?? "") ?? 0
        let first = Int(context.checkpoint?.text ?? "") ?? 0
        for step in first..<max(first, count) {
            ActivityWorkerProgram.say("step \(id) \(step)")
            context.report(fraction: Double(step) / Double(count), step: "\(step)")
            await context.log("step \(step)")
            try await context.transaction { transaction in
                try await transaction.execute(
                    """
                    INSERT INTO effects (activity, step, fence, worker)
                    VALUES (\(id), \(step), \(context.lease.fence), \(context.lease.holder))
                    """)
                try await context.save(PostgresJSON("\(step + 1)"), in: transaction)
            }
        }
        return PostgresJSON("\(count)")
    }
}
