internal import Blobs
internal import Loop
internal import OCI
internal import Tar

/// Turns plans into layers in the store, or finds those that were written before.
struct PlanWriter: Sendable {
    struct Written: Sendable {
        let layer: AssembledImage.Layer
        let pin: BlobPin
    }

    /// What is laid out only where nobody has it.
    struct EnvironmentPlan: Sendable {
        let kind: AssembledImage.Layer.Kind
        let key: String
        let description: String
        let make: @Sendable (@escaping @Sendable (BuildProgress) async -> Void) async throws -> EnvironmentContents
    }

    static let environmentLevel: Int32 = 6

    let store: any BlobStore
    let files: any LayerFiles
    let pool: ComputePool
    let digests: FileDigests
    let memory: (any LayerMemory)?

    /// Writes all of them, as many at once as the pool has threads.
    /// - Returns: in the order of kinds, and within a kind as they were given; empty ones are left out.
    func write(
        _ plans: [LayerPlan], _ environments: [EnvironmentPlan],
        _ progress: @escaping @Sendable (BuildProgress) async -> Void
    ) async throws -> [Written] {
        try await withThrowingTaskGroup(of: (Int, Written?).self) { group in
            var position = 0
            for plan in plans where !plan.isEmpty && plan.kind.order < AssembledImage.Layer.Kind.python.order {
                let place = position
                group.addTask(executorPreference: pool) { (place, try await write(plan, progress)) }
                position += 1
            }
            for plan in environments {
                let place = position
                group.addTask(executorPreference: pool) { (place, try await write(plan, progress)) }
                position += 1
            }
            for plan in plans where !plan.isEmpty && plan.kind.order > AssembledImage.Layer.Kind.packages.order {
                let place = position
                group.addTask(executorPreference: pool) { (place, try await write(plan, progress)) }
                position += 1
            }
            var found: [Int: Written] = [:]
            for try await (place, written) in group { found[place] = written }
            return (0..<position).compactMap { found[$0] }
        }
    }

    private func write(
        _ plan: LayerPlan, _ progress: @Sendable (BuildProgress) async -> Void
    ) async throws -> Written {
        let key = try plan.key(digests)
        if let known = try await known(key) {
            await progress(
                BuildProgress(step: plan.kind.rawValue, message: "\(plan.description): as before", fraction: 1))
            return Self.written(plan.kind, plan.description, known.layer, known.pin, isReused: true)
        }
        await progress(BuildProgress(step: plan.kind.rawValue, message: "writing \(plan.description)"))
        let level: Int32 =
            switch plan.compression {
            case .level(let level): level
            case .measured: try await Compressibility.level(of: plan.blobs, in: store)
            }
        let written = try await LayerWriter(store: store, files: files, level: level).write(plan.contents())
        return try await kept(key, plan.kind, plan.description, written, progress)
    }

    private func write(
        _ plan: EnvironmentPlan, _ progress: @escaping @Sendable (BuildProgress) async -> Void
    ) async throws -> Written? {
        if let known = try await known(plan.key) {
            await progress(
                BuildProgress(step: plan.kind.rawValue, message: "\(plan.description): as before", fraction: 1))
            return Self.written(plan.kind, plan.description, known.layer, known.pin, isReused: true)
        }
        let made = try await plan.make(progress)
        defer { made.release() }
        if made.layer.isEmpty { return nil }
        await progress(BuildProgress(step: plan.kind.rawValue, message: "writing \(made.description)"))
        let written = try await LayerWriter(store: store, files: files, level: Self.environmentLevel).write(made.layer)
        return try await kept(plan.key, plan.kind, plan.description, written, progress)
    }

    private func known(_ key: String) async throws -> (layer: KnownLayer, pin: BlobPin)? {
        guard let known = try await memory?.find(key) else { return nil }
        do {
            let pin = try await store.pin(known.descriptor.digest)
            guard pin.info.size == known.descriptor.size else { return nil }
            return (known, pin)
        } catch let error as BlobError where error.code == .notFound {
            return nil
        }
    }

    private func kept(
        _ key: String, _ kind: AssembledImage.Layer.Kind, _ description: String, _ written: LayerWriter.Written,
        _ progress: @Sendable (BuildProgress) async -> Void
    ) async throws -> Written {
        let layer = KnownLayer(descriptor: written.descriptor, contents: written.contents)
        try await memory?.keep(key, layer)
        await progress(BuildProgress(step: kind.rawValue, message: "\(description): written", fraction: 1))
        return Self.written(kind, description, layer, written.pin, isReused: false)
    }

    private static func written(
        _ kind: AssembledImage.Layer.Kind, _ description: String, _ known: KnownLayer, _ pin: BlobPin, isReused: Bool
    ) -> Written {
        Written(
            layer: AssembledImage.Layer(
                kind: kind, descriptor: known.descriptor, contents: known.contents, description: description,
                isReused: isReused), pin: pin)
    }
}

extension AssembledImage.Layer.Kind {
    /// From what changes least to what changes most.
    var order: Int {
        switch self {
        case .base: 0
        case .runtime: 1
        case .adapters: 2
        case .python: 3
        case .packages: 4
        case .source: 5
        case .models: 6
        case .steps: 7
        }
    }
}
