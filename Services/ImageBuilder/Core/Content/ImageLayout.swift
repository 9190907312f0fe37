/// Where things are in an image; the same on top of nothing and of any base. Docs/images-layout.md says why.
enum ImageLayout {
    static let root = "/slipway"
    /// The scorer's real place: its own folder is where its loader looks for libraries.
    static let libraries = "/slipway/lib"
    static let program = "/slipway/bin/scorer"
    static let loader = "/slipway/lib/ld.so"
    static let adapters = "/slipway/adapters"
    static let frameworks = "/slipway/frameworks"
    static let python = "/slipway/python"
    static let packages = "/slipway/packages"
    static let source = "/slipway/source"
    static let models = "/slipway/models"
    /// What an entry script is served as: `served/NAME/VERSION` is the source tree.
    static let served = "/slipway/served"

    static let user: UInt32 = 65532
    static let port = 8080

    /// As archives have it.
    static func member(_ path: String) -> String { String(path.drop { $0 == "/" }) }
}
