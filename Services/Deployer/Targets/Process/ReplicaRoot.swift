/// What a replica finds in its root besides its image. The launcher mounts it, and knows the same names.
enum ReplicaRoot {
    static let mountedFolders = ["proc", "dev", "tmp", "run/slipway"]
    /// How names are resolved is the machine's matter.
    static let mountedFiles = ["etc/resolv.conf", "etc/hosts"]
    /// Where it takes requests.
    static let socket = "/run/slipway/http"
}
