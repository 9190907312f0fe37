internal import Blobs
internal import OCI
internal import Tar

/// The folders that are there before assets and copies come. Whoever writes below one names it as it is: a layer that names
/// it otherwise changes its owner and permissions, or puts a folder in the place of a link.
struct PlacedFolders: Sendable {
    /// By path, as archives have it.
    private(set) var entries: [String: TarEntry] = [:]
    /// Of links to folders.
    private(set) var links: [String: String] = [:]

    /// Reads a base's layers only where something is laid into it.
    init(_ ingredients: ImageIngredients, base: BaseImage?, in store: any BlobStore) async throws {
        let writes =
            !ingredients.assets.isEmpty
            || ingredients.steps.contains {
                switch $0 {
                case .copy, .workingFolder: true
                default: false
                }
            }
        guard writes else { return }
        if let base {
            (entries, links) = try await BaseTree(of: base, in: store).folders
        } else {
            for path in ["etc", "usr", "home"] { entries[path] = TarEntry(path: path, kind: .folder) }
            entries["tmp"] = TarEntry(path: "tmp", kind: .folder, mode: 0o1777)
            entries["root"] = TarEntry(path: "root", kind: .folder, mode: 0o700)
            let user = ImageLayout.user
            entries["home/nonroot"] = TarEntry(
                path: "home/nonroot", kind: .folder, mode: 0o700, owner: user, group: user)
        }
    }

    func isFolder(_ path: String) -> Bool { path == "/" || entries[ImageLayout.member(path)] != nil }

    /// The path with the links on its way followed.
    /// - Throws: `BuildFailure` where they go round in a circle.
    func settled(_ path: String) throws(BuildFailure) -> String {
        var rest = path.split(separator: "/")[...]
        var done: [Substring] = []
        var followed = 0
        while let part = rest.popFirst() {
            if part == "." { continue }
            if part == ".." {
                _ = done.popLast()
                continue
            }
            guard let target = links[(done + [part]).joined(separator: "/")] else {
                done.append(part)
                continue
            }
            followed += 1
            guard followed <= 40 else { throw BuildFailure("copy.path", "the links of `\(path)` go round in a circle") }
            if target.hasPrefix("/") { done = [] }
            rest = target.split(separator: "/")[...] + rest
        }
        return "/" + done.joined(separator: "/")
    }
}
