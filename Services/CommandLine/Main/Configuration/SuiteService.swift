/// The services of a suite that commands talk to. Each may have an address of its own; where none is told, it is behind
/// the one server, as all of them are where the suite has a gateway.
enum SuiteService: String, Sendable, CaseIterable {
    case registry
    case images
    case events
    case deployments

    /// As messages call it.
    var title: String {
        switch self {
        case .registry: "registry"
        case .images: "image builder"
        case .events: "events service"
        case .deployments: "deployer"
        }
    }

    /// What tells its address: for the registry that of everything.
    var flag: String { self == .registry ? "server" : "\(rawValue)-server" }
    var variable: String { self == .registry ? "SLIPWAY_SERVER" : "SLIPWAY_\(rawValue.uppercased())_SERVER" }
    /// In a context of the configuration.
    var key: String { self == .registry ? "server" : "\(rawValue)_server" }

    /// How somebody tells where it is.
    var remedy: String {
        "say where the \(title) is with --\(flag) or \(variable), or for good with "
            + (self == .registry ? "`slipway login --server ADDRESS`" : "`slipway context set --\(flag) ADDRESS`")
    }
}
