package import Contracts
package import ResourceKit
internal import DeployerTargets
internal import Journal
internal import Postgres
internal import Protobuf
internal import RPC

extension TargetStore {
    /// Makes a place known, once it answers.
    /// - Throws: `RPCError`: `invalidArgument`; `alreadyExists`; `failedPrecondition` saying what is wrong with the place.
    package func attach(
        _ request: Slipway.Targets.V1.AttachTargetRequest, by change: WorkspaceChange
    ) async throws -> Slipway.Targets.V1.Target {
        var violations = FieldViolations()
        violations.check(place: request.name)
        violations.check(text: request.description, "description", bytesMax: TextLimits.textBytesMax)
        violations.check(reason: request.reason)
        var place = request.place ?? .init()
        if place.kind == nil { violations.add("place", "say what it is: process or docker") }
        let key = PlaceRules.check(&place, &violations)
        try violations.check()
        guard try await find(request.name, in: change.workspace) == nil else { throw TargetStore.taken(request.name) }
        var whole = place
        if case .docker(var docker) = whole.kind {
            docker.keyPem = key
            whole.kind = .docker(docker)
        }
        let facts: TargetFacts
        do {
            facts = try await places.make(PlaceOrder(id: 0, name: request.name, place: whole)).check()
        } catch let error as TargetError {
            throw Refusal.precondition(
                "the place can't be used: \(error.message)",
                [.init(type: "TARGET", subject: "targets/\(request.name)", description: error.message)])
        }
        let id = try await write(request, place, key, facts, change)
        guard let record = try await record(id) else { throw RPCError(.internal, "a target was written and is gone") }
        return try await shown([record])[0]
    }

    private func write(
        _ request: Slipway.Targets.V1.AttachTargetRequest, _ place: Slipway.Targets.V1.TargetPlace, _ key: String,
        _ facts: TargetFacts, _ change: WorkspaceChange
    ) async throws -> Int64 {
        do {
            return try await pool.transaction { transaction in
                let ids = try await transaction.query(
                    """
                    INSERT INTO deployments.targets (workspace, name, description, kind, place, attached_by)
                    VALUES (\(change.workspaceID), \(request.name), \(request.description), \(place.kindName),
                        \(place.serialized()), \(change.actor))
                    RETURNING id
                    """
                ).all(Int64.self)
                guard let id = ids.first else { throw RPCError(.internal, "a target was written and has no number") }
                var statements = [TargetStore.seen(id, facts)]
                if !key.isEmpty {
                    let sealed = try box.seal(Array(key.utf8), for: Places.purpose(id))
                    statements.append("UPDATE deployments.targets SET sealed_key = \(sealed) WHERE id = \(id)")
                }
                let entry = change.journalEntry(
                    "target.attached", "targets/\(request.name)",
                    after: RowJSON.members([
                        ("kind", RowJSON.text(place.kindName)), ("version", RowJSON.text(facts.version)),
                    ]))
                statements.append(Journal.insertion(entry, from: "(VALUES (1)) AS once"))
                _ = try await transaction.pipeline(statements)
                return id
            }
        } catch let error as PostgresError where error.code == .uniqueViolation {
            throw TargetStore.taken(request.name)
        }
    }

    /// Forgets a target that nothing runs on.
    /// - Throws: `RPCError`: `notFound`; `failedPrecondition` naming the deployments that run there, or for one that
    ///   belongs to everybody.
    package func detach(
        _ request: Slipway.Targets.V1.DetachTargetRequest, by change: WorkspaceChange
    ) async throws {
        var violations = FieldViolations()
        violations.check(place: request.name)
        violations.check(reason: request.reason)
        try violations.check()
        let known = try await required(request.name, in: change.workspace)
        guard known.workspace != nil else {
            throw Refusal.precondition(
                "the target \"\(request.name)\" belongs to the installation; its setting `local.offered` takes it away",
                [.init(type: "SHARED", subject: "targets/\(request.name)", description: "every workspace may use it")])
        }
        try await pool.transaction { transaction in
            // Who makes a deployment there holds the row: either it is seen here, or it comes too late.
            let ids = try await transaction.query(
                "SELECT id FROM deployments.targets WHERE id = \(known.id) AND detached IS NULL FOR UPDATE"
            ).all(Int64.self)
            guard !ids.isEmpty else { return }
            let users = try await transaction.query(
                """
                SELECT name FROM deployments.deployments WHERE target = \(known.id) AND deleted IS NULL
                ORDER BY name LIMIT 100
                """
            ).all(String.self)
            guard users.isEmpty else { throw TargetStore.used(request.name, users) }
            _ = try await transaction.pipeline([
                "UPDATE deployments.targets SET detached = now(), sealed_key = NULL WHERE id = \(known.id)",
                Journal.insertion(
                    change.journalEntry("target.detached", "targets/\(request.name)"), from: "(VALUES (1)) AS once"),
            ])
        }
        places.forget(known.id)
    }

    private static func taken(_ name: String) -> RPCError {
        RPCError(.alreadyExists, "there is a target \"\(name)\" already; detach it, or choose another name")
    }

    private static func used(_ name: String, _ users: [String]) -> RPCError {
        let shown = users.prefix(10).joined(separator: ", ") + (users.count > 10 ? " and others" : "")
        return Refusal.precondition(
            "the target \"\(name)\" is in use by \(shown): delete them first",
            users.map {
                .init(type: "IN_USE", subject: DeploymentJournal.subject($0), description: "it runs on the target")
            })
    }

    /// The statement that writes down what a place said of itself.
    static func seen(_ id: Int64, _ facts: TargetFacts) -> PostgresQuery {
        """
        UPDATE deployments.targets SET reachable = true, message = \(facts.remarks.joined(separator: "; ")),
            version = \(facts.version), cpu_millis = \(facts.total.cpuMillis),
            memory_bytes = \(facts.total.memoryBytes), gpus = \(Int32(clamping: facts.total.gpus)), checked = now()
        WHERE id = \(id)
        """
    }
}

/// How places may be described.
enum PlaceRules {
    /// Takes the key out of the place.
    static func check(
        _ place: inout Slipway.Targets.V1.TargetPlace, _ violations: inout FieldViolations
    ) -> String {
        switch place.kind {
        case .process(let process):
            let limit = process.limit ?? .init()
            if limit.cpuMillis < 0 || limit.memoryBytes < 0 || limit.gpus < 0 || limit.replicas < 0 {
                violations.add("place.process.limit", "no amount is below zero")
            }
            return ""
        case .docker(var docker):
            let key = docker.keyPem
            docker.keyPem = ""
            place.kind = .docker(docker)
            if !docker.address.hasPrefix("unix:///"), !docker.address.hasPrefix("tcp://") {
                violations.add(
                    "place.docker.address",
                    "\(shown(docker.address)) should be unix:///var/run/docker.sock or tcp://host:2376")
            }
            violations.check(text: docker.network, "place.docker.network", bytesMax: TextLimits.nameBytesMax)
            for (text, field) in [
                (docker.authoritiesPem, "authorities_pem"), (docker.certificatePem, "certificate_pem"),
                (key, "key_pem"),
            ] { violations.check(text: text, "place.docker.\(field)", bytesMax: SecurityRules.pemBytesMax) }
            checkKey(docker.certificatePem, key, &violations)
            return key
        case nil: return ""
        }
    }

    private static func checkKey(_ certificate: String, _ key: String, _ violations: inout FieldViolations) {
        guard !certificate.isEmpty || !key.isEmpty else { return }
        guard !certificate.isEmpty, !key.isEmpty else {
            return violations.add("place.docker.key_pem", "a certificate and its key belong together: give both")
        }
        do throws(Certificates.Failure) {
            guard try !Certificates(pem: certificate).fits(key: key) else { return }
            violations.add("place.docker.key_pem", "it does not belong to the certificate")
        } catch { violations.add("place.docker.certificate_pem", error.message) }
    }
}
