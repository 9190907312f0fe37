internal import OCI

/// The machine that wheels are to run on, as Python's tools name it.
struct WheelPlatform: Hashable, Sendable, CustomStringConvertible {
    let architecture: String
    /// The youngest C library that wheels may want.
    let library: Int

    /// - Parameters:
    ///   - usesBase: whether a base image brings the C library: then one that every base of these years has.
    ///   - own: that of this machine.
    init(_ platform: Platform = .current, usesBase: Bool, own: Int = 36) {
        architecture = platform.architecture == "arm64" ? "aarch64" : "x86_64"
        library = usesBase ? min(28, own) : own
    }

    var description: String { "manylinux_2_\(library)_\(architecture)" }

    /// Every tag that such a machine takes, the youngest first.
    var tags: [String] {
        var tags: [String] = []
        for minor in stride(from: library, through: architecture == "x86_64" ? 5 : 17, by: -1) {
            tags.append("manylinux_2_\(minor)_\(architecture)")
            let old = [17: "manylinux2014", 12: "manylinux2010", 5: "manylinux1"][minor]
            if let old { tags.append("\(old)_\(architecture)") }
        }
        return tags + ["linux_\(architecture)"]
    }
}
