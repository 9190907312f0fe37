public import ResourceKit
import Blobs
public import Contracts
import Postgres
import Protobuf
import RPC

extension RegistryStore {
    /// Registers files as the next version of a model.
    ///
    /// Two round trips where the files were registered before: one that looks, one that writes everything as a single
    /// statement, which holds the model for no longer than it has to. New files are held in the store until that is
    /// committed.
    /// - Throws: `RPCError`: `invalidArgument` with all that is wrong, `failedPrecondition` with the digests that are
    ///   lacking, `alreadyExists` for a `request_id` of another request. `PostgresError`, `BlobError`.
    public func register(
        _ request: Slipway.Models.V1.RegisterRequest, by change: RegistryChange
    ) async throws -> Slipway.Models.V1.ModelVersion {
        var registration = try await check(request)
        // Twice is enough, unless others keep on purging the same files in between.
        for _ in 0..<10 {
            let known = try await lookUp(registration, change)
            if let earlier = known.earlier { return try await repeated(earlier, registration, change) }
            do {
                if let version = try await insert(&registration, known, change) { return version }
            } catch let error as PostgresError where error.constraint == "requests_pkey" {
                // Somebody sent the same request at the same moment, and was first.
                continue
            }
        }
        throw RPCError(.aborted, "the files of the version were purged again and again meanwhile: try again")
    }

    /// Many files take a while to look at, and others wait for this loop.
    private func check(_ request: Slipway.Models.V1.RegisterRequest) async throws -> Registration {
        guard request.files.count > 200, let compute else { return try Registration(request) }
        return try await compute.run { try Registration(request) }
    }

    /// What the database knows before anything is written.
    struct Known {
        struct Files {
            let id: Int64
            let size: Int64
            let recognised: [UInt8]
            let generation: Int32
        }
        struct Earlier {
            let version: Int64
            let requestDigest: [UInt8]
        }
        var files: Files?
        var earlier: Earlier?
    }

    private func lookUp(_ registration: Registration, _ change: RegistryChange) async throws -> Known {
        var known = Known()
        let rows = try await pool.read(
            """
            SELECT s.id, s.size, s.recognised, s.recogniser, r.version, r.digest
            FROM (VALUES (1)) AS once
            LEFT JOIN registry.file_sets AS s
                ON s.workspace = \(change.workspaceID) AND s.digest = \(registration.filesDigest)
            LEFT JOIN registry.requests AS r
                ON r.workspace = \(change.workspaceID) AND r.request = \(registration.request.requestId)
            """
        ).all((Int64?, Int64?, [UInt8]?, Int32?, Int64?, [UInt8]?).self)
        if case (let id?, let size?, let recognised?, let generation?, _, _)? = rows.first {
            known.files = Known.Files(id: id, size: size, recognised: recognised, generation: generation)
        }
        if case (_, _, _, _, let version?, let digest?)? = rows.first {
            known.earlier = Known.Earlier(version: version, requestDigest: digest)
        }
        if !registration.parents.isEmpty { try await checkParents(registration.parents, change) }
        return known
    }

    private func repeated(
        _ earlier: Known.Earlier, _ registration: Registration, _ change: RegistryChange
    ) async throws -> Slipway.Models.V1.ModelVersion {
        guard earlier.requestDigest == registration.requestDigest else {
            throw RPCError.reason(
                .alreadyExists,
                "request_id \(shown(registration.request.requestId)) was used for another request: draw a new one for "
                    + "each registration, and repeat it only with everything as it was",
                reason: "REQUEST_ID_USED", domain: "slipway")
        }
        guard let version = try await version(id: earlier.version, in: change.workspace) else {
            throw RPCError(.aborted, "the version that the request had registered was purged meanwhile: try again")
        }
        return version
    }

    private func checkParents(_ parents: [VersionReference], _ change: RegistryChange) async throws {
        let numbers = parents.map { parent in
            if case .number(let number) = parent.which { number } else { Int32(0) }
        }
        let missing = try await pool.read(
            """
            SELECT given.place FROM unnest(\(parents.map(\.name)), \(numbers)) WITH ORDINALITY
                AS given (name, version, place)
            WHERE NOT EXISTS (
                SELECT FROM registry.versions AS v WHERE v.workspace = \(change.workspaceID)
                    AND v.name = given.name AND v.version = given.version)
            ORDER BY given.place
            """
        ).all(Int64.self)
        var violations = FieldViolations()
        for place in missing where parents.indices.contains(Int(place) - 1) {
            violations.add(
                "origin.parents",
                "there is no version \(parents[Int(place) - 1].text) in the workspace \"\(change.workspace.name)\"")
        }
        try violations.check()
    }

    /// Nil where the files went away between the look and the write.
    private func insert(
        _ registration: inout Registration, _ known: Known, _ change: RegistryChange
    ) async throws -> Slipway.Models.V1.ModelVersion? {
        if let files = known.files, files.generation == recogniser.generation,
            files.size == registration.sizeBytes || registration.files.contains(where: { $0.size == 0 })
        {
            let facts = registration.facts(
                recognised: try Slipway.Models.V1.ModelVersion(serialized: files.recognised))
            let insertion = RegistrationInsert(registration, facts, .known(files.id), size: files.size, change)
            guard let row = try await write(insertion.statement).first else { return nil }
            return try insertion.version(row)
        }
        let pins = try await hold(&registration, change)
        defer { for pin in pins { pin.release() } }
        let recognised = try await recogniser.describe(registration.files.map(\.contract))
        let insertion = RegistrationInsert(
            registration, registration.facts(recognised: recognised),
            .new(recognised: recognised.serialized(), generation: recogniser.generation),
            size: registration.sizeBytes, change)
        let rows = try await write(insertion.statement)
        return try rows.first.map(insertion.version)
    }
}
