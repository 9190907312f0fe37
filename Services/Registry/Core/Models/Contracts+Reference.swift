import Contracts
import RPC
import ResourceKit

extension VersionReference {
    /// A version of a model, with or without `models:/`.
    /// - Throws: `invalidArgument` saying what would be right.
    init(_ text: String, field: String = "version") throws(RPCError) {
        guard let parsed = VersionReference(parsing: text) else {
            let shown = text.isEmpty ? "it is empty" : "\"\(text.prefix(200))\" names no version"
            throw .badRequest(
                field: field, "\(shown): write name/3, name:3, name/latest or name@alias, with or without models:/")
        }
        self = parsed
    }

    init?(parsing text: String) {
        self.init(text.hasPrefix("models:/") ? text.dropFirst(8) : text[...], isName: NameRules.isModel)
    }
}

extension Slipway.Models.V1.ModelVersion {
    /// As the journal and the lineage name it.
    var subject: String { "models/\(model):\(version)" }
}
