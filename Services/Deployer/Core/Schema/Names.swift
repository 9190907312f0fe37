package import Contracts
internal import Protobuf
internal import ResourceKit

/// The messages of the deployer's services, which are also what its tables hold.
package typealias V1 = Slipway.Deployments.V1

extension NameRules {
    package static let place = "1 to 63 of a–z, 0–9 and '-', beginning with a letter"

    /// Of deployments and targets: they stand in addresses.
    package static func isPlace(_ name: String) -> Bool {
        guard let first = name.utf8.first, name.utf8.count <= 63 else { return false }
        let letters = UInt8(ascii: "a")...UInt8(ascii: "z")
        let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
        return letters.contains(first)
            && name.utf8.allSatisfy { letters.contains($0) || digits.contains($0) || $0 == UInt8(ascii: "-") }
    }
}

extension FieldViolations {
    mutating func check(place name: String, _ field: String = "name") {
        if !NameRules.isPlace(name) {
            add(
                field,
                name.isEmpty
                    ? "it is empty; a name is \(NameRules.place)" : "\(shown(name)) should be \(NameRules.place)")
        }
    }

    /// A span in its bounds, or what stands for none.
    mutating func checked(
        _ span: Google.Protobuf.Duration?, _ field: String, in bounds: ClosedRange<Swift.Duration>,
        usually usual: Swift.Duration
    ) -> Google.Protobuf.Duration {
        guard let span else { return .init(usual) }
        let isWritten = span.seconds.magnitude < 1 << 40 && span.nanos.magnitude < 1_000_000_000
        if !isWritten || !bounds.contains(Swift.Duration(span)) {
            add(field, "it is \(bounds.lowerBound) to \(bounds.upperBound)")
        }
        return span
    }
}
