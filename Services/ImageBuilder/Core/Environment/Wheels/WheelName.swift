/// What a wheel's file name says: `numpy-2.3.4-cp311-cp311-manylinux_2_27_x86_64.whl`.
struct WheelName: Hashable, Sendable {
    /// As the index normalises it.
    let package: String
    let version: String

    /// Nil where the name is no wheel's.
    init?(_ file: some StringProtocol) {
        guard file.hasSuffix(".whl"), !file.contains("/"), file.utf8.count <= 255 else { return nil }
        let parts = file.dropLast(4).split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 5 || parts.count == 6, parts.allSatisfy({ !$0.isEmpty }) else { return nil }
        package = Requirement.normal(parts[0])
        version = String(parts[1])
    }
}
