internal import HTTP
internal import Tar

extension DockerTarget {
    public func start(_ order: ReplicaOrder) async throws(TargetError) {
        try ContainerName.check(order.id)
        guard order.owner.suite == settings.suite else {
            throw TargetError(.refused, "the order for \(order.id) is of another installation than this target's")
        }
        try await admit(order)
        if try await startFinished(order) { return }
        try await checkCapacity(order)
        let image = try await present(order.image)
        let specification = ContainerSpecification(order: order, image: image, settings: settings)
        let doing = "the replica \(order.id) can't be started"
        let made = try await asked(doing) { () async throws(EngineError) in
            try await engine.call(
                .post, "/containers/create", ["name": ContainerName.unfinished(order.id)], .bytes(specification.json)
            ).value()["Id"].text
        }
        guard let made else { throw TargetError(.failed, "\(doing): the engine does not say what it made") }
        do {
            try await giveKey(specification, to: made)
            try await confirm(order)
            guard try await rename(made, order.id) else {
                // Somebody else was quicker.
                await discard(made)
                _ = try await startFinished(order)
                return
            }
            try await run(made, order)
        } catch {
            await discard(made)
            throw error
        }
    }

    /// Starts the replica's container where it was made already. False where there is none.
    private func startFinished(_ order: ReplicaOrder) async throws(TargetError) -> Bool {
        let doing = "the replica \(order.id) can't be looked up"
        let state = try await asked(doing) { () async throws(EngineError) in
            try await unlessMissing { () async throws(EngineError) in
                try await engine.call(.get, "/containers/\(ContainerName.final(order.id))/json")
                    .value(keeping: ["State", "Id"])
            }
        }
        guard let state else { return false }
        guard let container = state["Id"].text,
            ["created", "configured", "initialized"].contains(state["State"]["Status"].text)
        else { return true }
        do { try await run(container, order) } catch {
            await discard(container)
            throw error
        }
        return true
    }

    private func run(_ container: String, _ order: ReplicaOrder) async throws(TargetError) {
        do {
            try await engine.call(.post, "/containers/\(container)/start", deadline: .seconds(120))
        } catch {
            let doing = "the replica \(order.id) can't be started"
            let text = error.message.lowercased()
            let isImage = [
                "exec:", "executable file", "exec format error", "no such file or directory", "unable to find user",
            ]
            .contains { text.contains($0) }
            guard isImage, case .refused = error.kind, !error.isShortage else { throw error.asTargetError(doing) }
            throw TargetError(.unusableImage, "\(doing): \(error)")
        }
    }

    /// Gives a container its replica's name. False where another has it.
    private func rename(_ container: String, _ id: ReplicaID) async throws(TargetError) -> Bool {
        let name = ContainerName.final(id)
        return try await asked("the replica \(id) can't be named") { () async throws(EngineError) in
            let answer = try await unless({ $0.isConflict || $0.message.contains("already in use") }) {
                () async throws(EngineError) in
                try await engine.call(.post, "/containers/\(container)/rename", ["name": name])
            }
            return answer != nil
        }
    }

    /// Takes away what was made in vain. What stays is found by its name and age.
    private func discard(_ container: String) async {
        _ = try? await engine.call(.delete, "/containers/\(container)", ["v": "true", "force": "true"])
    }

    private func checkCapacity(_ order: ReplicaOrder) async throws(TargetError) {
        let needs = order.needs
        guard needs != ReplicaNeeds() else { return }
        let total = try await asked("\(engine.address) does not say what it has") { () async throws(EngineError) in
            try await knownTotal()
        }
        let lacking =
            needs.cpuMillis > total.cpuMillis
            ? "\(needs.cpuMillis) thousandths of a core, and it has \(total.cpuMillis)"
            : needs.memoryBytes > total.memoryBytes
                ? "\(needs.memoryBytes) bytes of memory, and it has \(total.memoryBytes)"
                : needs.gpus > total.gpus ? "\(needs.gpus) GPUs, and it has \(total.gpus)" : nil
        if let lacking {
            throw TargetError(.noCapacity, "the replica \(order.id) needs more than \(engine.address) has: \(lacking)")
        }
    }

    /// Puts the access key where the replica reads it, and nobody else in the container.
    private func giveKey(_ specification: ContainerSpecification, to container: String) async throws(TargetError) {
        let order = specification.order
        let user = try await numbers(of: specification.user, in: container)
        let bytes = Array("\(order.accessKey)\n".utf8)
        let entry = TarEntry(
            path: ContainerSpecification.keyFile, mode: 0o400, size: Int64(bytes.count), owner: user.user,
            group: user.group)
        let archive =
            TarHeader.bytes(of: entry) + bytes + TarHeader.padding(after: entry.size) + TarHeader.end
        _ = try await asked("the replica \(order.id) can't be given its key") { () async throws(EngineError) in
            try await engine.call(
                .put, "/containers/\(container)/archive", ["path": ContainerSpecification.secretsFolder],
                .bytes(archive), type: "application/x-tar")
        }
    }

    /// The numbers of an image's user: as they are, or out of the image's own list.
    private func numbers(of name: String, in container: String) async throws(TargetError) -> (
        user: UInt32, group: UInt32
    ) {
        let parts = name.split(separator: ":").map(String.init)
        let user = parts.first ?? ""
        if let number = UInt32(user) { return (number, parts.dropFirst().first.flatMap { UInt32($0) } ?? number) }
        let answer = try await asked("the users of the image can't be read") { () async throws(EngineError) in
            try await unlessMissing { () async throws(EngineError) in
                try await engine.call(.get, "/containers/\(container)/archive", ["path": "/etc/passwd"])
            }
        }
        var (bytes, reader, text) = ((answer?.bytes ?? [])[...], TarReader(), [UInt8]())
        while let event = try? reader.next(&bytes) { if case .contents(let piece) = event { text += piece } }
        for line in text.split(separator: UInt8(ascii: "\n")) {
            let fields = String(decoding: line, as: UTF8.self).split(separator: ":", omittingEmptySubsequences: false)
            guard fields.count >= 4, fields[0] == user, let number = UInt32(fields[2]) else { continue }
            return (number, UInt32(fields[3]) ?? number)
        }
        throw TargetError(.unusableImage, "the image's user is `\(user)`, and its /etc/passwd has none of that name")
    }
}
