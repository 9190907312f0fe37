import RPC

/// Tags as they are changed.
package enum Labels {
    /// - Throws: `invalidArgument` naming `field` where there would be too many.
    package static func changed(
        _ tags: [String: String], _ set: [String: String], _ remove: [String], _ field: String
    ) throws(RPCError) -> [String: String] {
        var tags = tags
        for key in remove { tags[key] = nil }
        tags.merge(set) { _, new in new }
        var violations = FieldViolations()
        if tags.count > TextLimits.labelsMax {
            violations.add(field, "there would be \(tags.count) tags; \(TextLimits.labelsMax) at most")
        }
        try violations.check()
        return tags
    }
}
