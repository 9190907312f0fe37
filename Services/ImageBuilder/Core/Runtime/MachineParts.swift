internal import Glibc
internal import Loop

/// The layers that are made of this machine's own files: the scorer, adapters and their frameworks, with every library that
/// they need. Usable by any number of builds; what was found out once holds until a file changes.
final class MachineParts: Sendable {
    let digests = FileDigests()
    private let materials: ImageMaterials
    private let closures = Lock<[[String]: Closure]>([:])

    private struct Closure {
        let members: [ElfClosure.Member]
        let identities: [FileDigests.Identity]
    }

    init(_ materials: ImageMaterials) { self.materials = materials }

    /// Reads and hashes what is not known yet, and blocks while it does.
    /// - Throws: `BuildFailure`, `ElfClosureError` and `SmallFile.Failure`.
    func layers(adapters: [String], standsOnNothing: Bool, gpu: Bool) throws -> [LayerPlan] {
        let system = standsOnNothing ? [self.system()] : []
        let runtime = try runtime()
        return try system + [runtime] + adapters.map { try adapter($0, over: runtime, gpu: gpu) }
    }

    /// What programs expect of any system.
    private func system() -> LayerPlan {
        var plan = LayerPlan(.base, "the least of a system: users, /tmp, certificates")
        let user = ImageLayout.user
        func text(_ text: String) -> LayerPlan.Origin { .bytes(Array(text.utf8)) }
        plan.add(
            "/etc/passwd",
            text("root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:\(user):\(user):nonroot:/home/nonroot:/sbin/nologin\n")
        )
        plan.add("/etc/group", text("root:x:0:\nnonroot:x:\(user):\n"))
        plan.add("/tmp", .folder, mode: 0o1777)
        plan.add("/root", .folder, mode: 0o700)
        plan.add("/home/nonroot", .folder, mode: 0o700, owner: user)
        if !materials.certificates.isEmpty {
            plan.add("/etc/ssl/certs/ca-certificates.crt", .file(materials.certificates))
            // Where Debian's OpenSSL looks.
            plan.add("/usr/lib/ssl/cert.pem", .link(to: "/etc/ssl/certs/ca-certificates.crt"))
        }
        return plan
    }

    private func runtime() throws -> LayerPlan {
        let members = try closure([materials.scorer])
        var plan = LayerPlan(.runtime, "")
        var libraries = 0
        for member in members {
            if member.path == materials.scorer {
                plan.add("\(ImageLayout.libraries)/scorer", .elf(member.file), mode: 0o755)
            } else {
                plan.add(Self.place(member), Self.origin(member), mode: 0o755)
                libraries += 1
            }
        }
        guard let loader = members.first(where: Self.isLoader) else {
            throw ElfClosureError("\(materials.scorer) names no loader: it is no program")
        }
        plan.add(ImageLayout.loader, .link(to: Self.name(loader.path)))
        plan.add(ImageLayout.program, .link(to: "../lib/scorer"))
        plan.description = "scorer and \(libraries) libraries"
        return plan
    }

    private func adapter(_ adapter: String, over runtime: LayerPlan, gpu: Bool) throws -> LayerPlan {
        guard let library = Self.files(in: materials.adapters).first(where: { Self.adapterName($0) == adapter }) else {
            let there = Self.files(in: materials.adapters).compactMap(Self.adapterName).sorted()
            throw BuildFailure(
                "adapter.missing",
                "this builder has no adapter `\(adapter)`; it has "
                    + (there.isEmpty ? "none" : there.joined(separator: ", ")))
        }
        let framework = try framework(of: adapter, gpu: gpu)
        let own = "\(materials.adapters)/\(library)"
        let parts = framework.map { folder in
            Self.files(in: folder).filter { $0.contains(".so") }.map { "\(folder)/\($0)" }
        }
        let members = try closure([own] + (parts ?? []), searching: framework.map { [$0] } ?? [])
        var plan = LayerPlan(.adapters, "")
        var libraries = 0
        for member in members {
            if member.path == own {
                plan.add("\(ImageLayout.adapters)/\(library)", .elf(member.file), mode: 0o755)
            } else if let framework, member.path.hasPrefix(framework + "/") {
                let place = "\(ImageLayout.frameworks)/\(adapter)/\(Self.name(member.path))"
                plan.add(place, .elf(member.file), mode: 0o755)
            } else if !Self.isLoader(member), runtime.items[ImageLayout.member(Self.place(member))] == nil {
                plan.add(Self.place(member), Self.origin(member), mode: 0o755)
                libraries += 1
            }
        }
        let what = framework == nil ? "" : " with its framework"
        plan.description = "adapter \(adapter)\(what) and \(libraries) libraries"
        return plan
    }

    /// Nil for adapters that have no library of a framework.
    private func framework(of adapter: String, gpu: Bool) throws -> String? {
        // The worker's packages are the framework.
        guard adapter != "python" else { return nil }
        let root = gpu ? materials.gpuFrameworks : materials.frameworks
        let folder = "\(root)/\(adapter)"
        guard !root.isEmpty, Self.files(in: folder).contains(where: { $0.contains(".so") }) else {
            guard gpu else {
                throw BuildFailure("framework.missing", "this builder has no library for `\(adapter)` in \(folder)")
            }
            throw BuildFailure(
                "gpu.missing",
                "this builder has no library of `\(adapter)` that computes on a GPU"
                    + (root.isEmpty ? "" : " in \(folder)") + "; build without gpu, or install it there")
        }
        return folder
    }

    /// Kept until one of its files changes.
    private func closure(_ roots: [String], searching first: [String] = []) throws -> [ElfClosure.Member] {
        if let known = closures.withLock({ $0[roots] }) {
            let now = try? known.members.map { try FileDigests.Identity($0.path) }
            if now == known.identities { return known.members }
        }
        let folders = materials.libraryFolders.isEmpty ? LibraryFolders.ofThisMachine() : materials.libraryFolders
        let members = try ElfClosure.ofThisMachine(roots, searching: first + folders).members
        let identities = try members.map { try FileDigests.Identity($0.path) }
        closures.withLock { $0[roots] = Closure(members: members, identities: identities) }
        return members
    }

    private static func place(_ member: ElfClosure.Member) -> String { "\(ImageLayout.libraries)/\(name(member.path))" }

    /// The loader starts itself and libc: neither is touched.
    private static func origin(_ member: ElfClosure.Member) -> LayerPlan.Origin {
        isLoader(member) ? .file(member.file) : .elf(member.file)
    }

    static func isLoader(_ member: ElfClosure.Member) -> Bool { name(member.path).hasPrefix("ld-linux") }

    static func name(_ path: String) -> String { path.split(separator: "/").last.map(String.init) ?? path }

    /// `libOnnxRuntimeAdapter.so` is `onnxruntime`.
    private static func adapterName(_ file: String) -> String? {
        guard file.hasPrefix("lib"), file.hasSuffix("Adapter.so") else { return nil }
        return file.dropFirst(3).dropLast("Adapter.so".count).lowercased()
    }

    /// Names of what is in a folder, in order.
    private static func files(in folder: String) -> [String] {
        guard let open = opendir(folder) else { return [] }
        defer { closedir(open) }
        var found: [String] = []
        while let entry = readdir(open) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if !name.hasPrefix(".") { found.append(name) }
        }
        return found.sorted()
    }
}
