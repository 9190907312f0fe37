internal import Glibc

/// Where on this machine the parts of images are that are not a user's.
public struct ImageMaterials: Hashable, Sendable {
    /// The scorer's program.
    public var scorer: String
    /// The folder of `lib…Adapter.so`.
    public var adapters: String
    /// The folder in which each framework has a folder, named as its adapter.
    public var frameworks: String
    /// The same for frameworks that compute on a GPU; empty where there are none.
    public var gpuFrameworks: String
    /// Certificates of authorities, for images that stand on nothing; empty for none.
    public var certificates: String
    /// Where libraries are looked for; empty for where this machine's loader looks.
    public var libraryFolders: [String]

    public init(
        scorer: String, adapters: String, frameworks: String, gpuFrameworks: String = "", certificates: String = "",
        libraryFolders: [String] = []
    ) {
        self.scorer = scorer
        self.adapters = adapters
        self.frameworks = frameworks
        self.gpuFrameworks = gpuFrameworks
        self.certificates = certificates
        self.libraryFolders = libraryFolders
    }

    /// As they lie around a program of ours: installed beside each other, or as they were built in this repository.
    ///
    /// - Parameter folder: of the program; nothing means this process's.
    public static func beside(_ folder: String? = nil) -> ImageMaterials {
        let folder = folder ?? ownFolder() ?? "."
        let installed = "\(folder)/../lib/slipway"
        let adapters = isFolder("\(installed)/adapters") ? "\(installed)/adapters" : folder
        func frameworks(_ name: String) -> String? {
            let places = ["\(installed)/\(name)"] + ancestors(of: folder).map { "\($0)/.tools/\(name)" }
            return places.first(where: isFolder)
        }
        let certificates = "/etc/ssl/certs/ca-certificates.crt"
        return ImageMaterials(
            scorer: "\(folder)/scorer", adapters: adapters,
            frameworks: frameworks("frameworks") ?? "\(installed)/frameworks",
            gpuFrameworks: frameworks("frameworks-gpu") ?? "",
            certificates: access(certificates, R_OK) == 0 ? certificates : "")
    }

    private static func ancestors(of folder: String) -> [String] {
        guard let real = realpath(folder, nil) else { return [] }
        defer { free(real) }
        var (path, found): (String, [String]) = (String(cString: real), [])
        while let slash = path.lastIndex(of: "/"), !path.isEmpty {
            found.append(path)
            path = String(path[..<slash])
        }
        return found
    }

    private static func ownFolder() -> String? {
        guard let real = realpath("/proc/self/exe", nil) else { return nil }
        defer { free(real) }
        let path = String(cString: real)
        return path.lastIndex(of: "/").map { String(path[..<$0]) }
    }

    static func isFolder(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }
}
