package import Leases
package import Loop
package import ServiceKit
internal import Access
internal import Blobs
internal import Contracts
internal import Journal
internal import OCI
internal import Postgres
internal import RPC
internal import ResourceKit

/// Sees to it that the image of every revision is here: has it built where there is none, and brings it. Each revision is
/// worked at under a lease, a step at a time; what a killed process had begun another one goes on with: a build is asked for
/// by the revision's own name and followed by the activity in its row, and parts that are here are not brought again.
package final class ImageBringer: Service {
    package let serviceName = "image bringer"
    private static let leaseKind = "deployments.image"
    private static let failuresMax = 10

    private let images: LocalImages
    private let source: any ImageSource
    private let leases: Leases
    private let loop: EventLoop
    private let log: Logger
    private let atOnce: Int
    private let bell = PostgresBell()
    /// Called between steps, for tests that kill there.
    private let onStep: @Sendable (BringingStep) async throws -> Void

    package init(
        _ images: LocalImages, source: any ImageSource, leases: Leases, loop: EventLoop, log: Logger = .silent,
        atOnce: Int = 2, onStep: @escaping @Sendable (BringingStep) async throws -> Void = { _ in }
    ) {
        self.images = images
        self.source = source
        self.leases = leases
        self.loop = loop
        self.log = log
        self.atOnce = atOnce
        self.onStep = onStep
    }

    package func run() async throws {
        StopSignal.started()
        let stop = StopSignal.current ?? StopSignal()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await stop.wait() }
            group.addTask { [self] in
                for try await _ in images.pool.notifications(DeployerChannel.deployments) { bell.ring() }
            }
            group.addTask { [self] in
                while true {
                    do { while try await sweep() > 0 {} } catch {
                        try Task.checkCancellation()
                        log.warning("revisions could not be looked at", ["error": "\(error)"])
                    }
                    // Builds are asked after about once a second, when they are due.
                    try await bell.wait(upTo: .seconds(1), on: loop)
                }
            }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    /// One look at what is due.
    /// - Returns: how many revisions made a step.
    package func sweep() async throws -> Int {
        let due = try await images.pool.query(
            """
            SELECT v.deployment, v.number FROM deployments.revisions AS v
            JOIN deployments.deployments AS d ON d.id = v.deployment
            WHERE v.stage IN ('building', 'bringing') AND v.due <= now() AND d.deleting IS NULL AND d.deleted IS NULL
            ORDER BY v.due LIMIT \(atOnce)
            """
        ).all((Int64, Int32).self)
        return await withTaskGroup(of: Bool.self) { group in
            for (deployment, number) in due { group.addTask { await self.attempt(deployment, number) } }
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
    }

    /// - Returns: false where another one has it, or nothing can be said of how it went.
    private func attempt(_ deployment: Int64, _ number: Int32) async -> Bool {
        do {
            return try await leases.withLease(ImageBringer.leaseKind, "\(deployment)/\(number)") { [self] lease in
                guard let order = try await order(deployment, number) else { return false }
                do {
                    try await step(order, lease)
                } catch let error as LeaseError {
                    throw error
                } catch {
                    try Task.checkCancellation()
                    try await note(error, order, lease)
                }
                return true
            }
        } catch is LeaseError {
            return false
        } catch {
            log.warning("a revision's image made no progress", ["error": "\(error)"])
            return false
        }
    }

    private func order(_ deployment: Int64, _ number: Int32) async throws -> BringingOrder? {
        try await images.pool.query(
            """
            SELECT \(RevisionRecord.columns), d.workspace, d.workspace_name, d.name, v.attempts
            FROM deployments.revisions AS v JOIN deployments.deployments AS d ON d.id = v.deployment
            WHERE v.deployment = \(deployment) AND v.number = \(number) AND v.due <= now()
                AND v.stage IN ('building', 'bringing')
            """
        ).all(BringingOrder.self).first
    }

    private func step(_ order: BringingOrder, _ lease: Lease) async throws {
        guard order.revision.stage == .building else { return try await bring(order, lease) }
        guard let build = order.revision.build else { return try await begin(order, lease) }
        switch try await source.outcome(of: "\(build)", for: order.acting) {
        case .running(let message):
            let text = message.isEmpty ? "its image is being built" : "its image is being built: \(message)"
            try await write(
                order, lease,
                [
                    """
                    UPDATE deployments.revisions SET due = now() + interval '1 second', attempts = 0,
                        stage_message = \(text) WHERE \(order.condition)
                    """
                ])
        case .failed(let why): try await fail(order, lease, "its image can't be built: \(why)")
        case .built(let name): try await take(try await source.image(name, for: order.acting), order, lease)
        }
    }

    /// Has the image built. Asked by the revision's name, so that who dies before the activity is written down gets the
    /// same one again.
    private func begin(_ order: BringingOrder, _ lease: Lease) async throws {
        let name = "deployment-\(order.revision.deployment)-\(order.revision.revision.number)"
        let build = try await source.build(
            order.revision.model, request: name, reason: "for the deployment \(order.name)", for: order.acting)
        guard let id = PostgresUUID(build) else {
            throw RPCError(.internal, "the image builder names a build by \(shown(build))")
        }
        try await onStep(.asked)
        try await write(
            order, lease,
            [
                """
                UPDATE deployments.revisions SET build = \(id), due = now(), attempts = 0,
                    stage_message = 'its image is being built' WHERE \(order.condition)
                """
            ])
    }

    private func take(_ image: FoundImage, _ order: BringingOrder, _ lease: Lease) async throws {
        var statements: [PostgresQuery] = [
            """
            UPDATE deployments.revisions SET image_name = \(image.name), image_version = \(image.version),
                digest = \(image.digest.bytes), stage = 'bringing', due = now(), attempts = 0, stage_message = ''
            WHERE \(order.condition)
            """,
            UseReports.refresh(order.revision.deployment),
            order.journal("deployment.image-built", "\(image.text) was built for \(order.revision.model)"),
        ]
        for text in image.models {
            guard let reference = VersionReference(text, isName: NameRules.isModel),
                case .number(let number) = reference.which
            else { continue }
            statements.insert(
                """
                INSERT INTO deployments.revision_models (deployment, revision, workspace, model, version)
                VALUES (\(order.revision.deployment), \(order.revision.revision.number),
                    \(order.workspace.databaseID), \(reference.name), \(number)) ON CONFLICT DO NOTHING
                """, at: 1)
        }
        try await write(order, lease, statements)
    }

    private func bring(_ order: BringingOrder, _ lease: Lease) async throws {
        guard let digest = order.revision.digest else { throw RPCError(.internal, "a revision has no image to bring") }
        let image = FoundImage(
            name: order.revision.imageName, version: order.revision.imageVersion, digest: digest,
            models: order.revision.revision.models)
        let pulled = try await source.bring(
            image, into: images.store, reusable: { [images] in try await images.held($0) }, for: order.acting)
        guard pulled.digest == digest else {
            throw OCIError(.corrupt, "the manifest that came is \(pulled.digest), and not \(digest)")
        }
        let manifest = try await images.store.put(pulled.manifestBytes, expecting: digest)
        try await onStep(.brought)
        // Its parts are held until the rows that name them are there.
        defer { withExtendedLifetime((pulled, manifest)) {} }
        try await write(
            order, lease,
            LocalImages.statements(pulled) + [
                """
                UPDATE deployments.revisions SET stage = 'ready', stage_message = '', attempts = 0
                WHERE \(order.condition)
                """
            ])
    }

    /// Another try later, or none where no try would help.
    private func note(_ error: any Error, _ order: BringingOrder, _ lease: Lease) async throws {
        let (message, isFinal) = ImageBringer.judge(error)
        if isFinal || order.attempts >= ImageBringer.failuresMax {
            return try await fail(order, lease, "its image can't be had: \(message)")
        }
        let pause = Double(min(60, 1 << min(order.attempts, 6)))
        try await write(
            order, lease,
            [
                """
                UPDATE deployments.revisions SET attempts = attempts + 1, due = now() + \(pause) * interval '1 second',
                    stage_message = \("its image can't be had just now: \(message)")
                WHERE \(order.condition)
                """
            ])
    }

    static func judge(_ error: any Error) -> (message: String, isFinal: Bool) {
        switch error {
        case let error as OCIError:
            switch error.code {
            case .throttled, .unavailable, .resources, .corrupt: (error.message, false)
            default: (error.message, true)
            }
        case let error as BlobError: ("\(error)", false)
        default:
            switch RPCError(error).code {
            case .invalidArgument, .notFound, .permissionDenied, .failedPrecondition, .unauthenticated, .dataLoss:
                (RPCError(error).message, true)
            default: (RPCError(error).message, false)
            }
        }
    }

    private func fail(_ order: BringingOrder, _ lease: Lease, _ message: String) async throws {
        try await write(
            order, lease,
            [
                """
                UPDATE deployments.revisions SET stage = 'failed', stage_message = \(message) WHERE \(order.condition)
                """,
                order.journal(
                    "deployment.revision-failed", "revision \(order.revision.revision.number) can't serve: \(message)"),
            ])
    }

    private func write(_ order: BringingOrder, _ lease: Lease, _ statements: [PostgresQuery]) async throws {
        try await images.pool.transaction { transaction in
            try await lease.assertHeld(in: transaction)
            _ = try await transaction.pipeline(statements)
        }
    }
}

/// Where a bringer may be killed.
package enum BringingStep: Sendable {
    /// The build was asked for, and its activity is not written down.
    case asked
    /// The image's parts are in the store, and nothing names them.
    case brought
}

/// A revision whose image is wanted.
struct BringingOrder: Sendable, PostgresRowDecodable {
    let revision: RevisionRecord
    let workspace: Workspace
    let name: String
    let attempts: Int

    init(row: PostgresRow) throws {
        revision = try RevisionRecord(row: row)
        let id = EntityID(try row.decode("workspace", as: PostgresUUID.self))
        workspace = Workspace(id: id, name: try row.decode("workspace_name"))
        name = try row.decode("name")
        attempts = Int(try row.decode("attempts", as: Int32.self))
    }

    var acting: Acting { Acting(workspace, principal: EntityID(revision.principal)) }

    var condition: PostgresQuery {
        "deployment = \(revision.deployment) AND number = \(revision.revision.number)"
    }

    func journal(_ action: String, _ message: String) -> PostgresQuery {
        Journal.insertion(
            DeploymentJournal.own(
                action, of: name, in: workspace, message: message,
                members: [("revision", "\(revision.revision.number)")]),
            from: "(VALUES (1)) AS once")
    }
}
