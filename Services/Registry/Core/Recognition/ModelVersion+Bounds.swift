import ResourceKit
import Contracts

extension Slipway.Models.V1.ModelVersion {
    /// What is kept of each part of what a model's files say.
    private static let shareBytesMax = 1 << 20

    /// What a model's files say of themselves, no more of it than a caller could say: who writes a file decides what is in it,
    /// and every search that finds the version carries it. What is too much is left off, and a warning says so.
    func bounded() -> Slipway.Models.V1.ModelVersion {
        let share = Slipway.Models.V1.ModelVersion.shareBytesMax
        var version = self
        version.keepStorableNames()
        var leftOff: [String] = []
        if let signature, signature.encodedSize > share {
            version.signature = Slipway.Models.V1.Signature()
            leftOff.append("the signature")
        }
        if let format = version.format, format.encodedSize > share {
            version.format?.flavors = [:]
            version.format?.details = [:]
            leftOff.append("the details of the format")
        }
        version.warnings = Slipway.Models.V1.ModelVersion.first(warnings, upTo: share)
        if version.warnings.count < warnings.count { leftOff.append("some of the warnings") }
        if !leftOff.isEmpty {
            version.warnings.append(
                .init(
                    code: "facts.left-off", message: "too large to be kept: \(leftOff.joined(separator: ", "))",
                    path: version.format?.mainPath ?? ""))
        }
        return version
    }

    /// What would not fit into a column, or could not be written there, is no name. A part of it would be a wrong one.
    private mutating func keepStorableNames() {
        func storable(_ text: String, _ bytesMax: Int = TextLimits.nameBytesMax) -> String {
            text.utf8.count <= bytesMax && !text.utf8.contains(0) ? text : ""
        }
        if let known = format {
            format?.framework = storable(known.framework)
            format?.frameworkVersion = storable(known.frameworkVersion)
        }
        if let known = origin {
            origin?.run = storable(known.run)
            origin?.experiment = storable(known.experiment)
        }
        if let git = origin?.git {
            origin?.git?.repository = storable(git.repository, RegistryLimits.addressBytesMax)
            origin?.git?.branch = storable(git.branch)
            origin?.git?.commit = storable(git.commit)
        }
    }

    private static func first(
        _ warnings: [Slipway.Models.V1.Warning], upTo bytesMax: Int
    ) -> [Slipway.Models.V1.Warning] {
        var room = bytesMax
        var kept: [Slipway.Models.V1.Warning] = []
        for warning in warnings {
            var cut = warning
            cut.items = []
            guard cut.encodedSize <= room else { break }
            room -= cut.encodedSize
            cut.items = Array(
                warning.items.prefix { item in
                    // Its bytes, and what says how many they are.
                    room -= item.utf8.count + 8
                    return room >= 0
                })
            let rest = warning.items.count - cut.items.count
            if rest > 0 { cut.message += ", and \(rest) more" }
            kept.append(cut)
        }
        return kept
    }
}
