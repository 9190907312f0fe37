internal import Protobuf

extension FileEmitter {
    func emit(_ type: EnumProto, prefix: String, path: [Int32], into code: inout CodeWriter) {
        let name = Names.type(type.name ?? "")
        let fullName = String((prefix + "." + (type.name ?? "")).dropFirst())
        let cases = Self.caseNames(type)
        code.documentation(comments.lines(at: path))
        code.block("\(access) struct \(name): Protobuf.Enumeration") { code in
            code.line("\(access) let rawValue: \(schema.standard("Int32"))")
            code.line("@inlinable \(access) init(rawValue: \(schema.standard("Int32"))) { self.rawValue = rawValue }")
            code.line()
            for (index, value) in type.value.enumerated() {
                code.documentation(comments.lines(at: path + [2, Int32(index)]))
                code.line(
                    "@inlinable \(access) static var \(cases[index]): Self { Self(rawValue: \(value.number ?? 0)) }")
            }
            code.line()
            code.line("\(access) static var enumName: \(schema.standard("String")) { \(CodeWriter.literal(fullName)) }")
            code.line("\(access) static let valueNames = Protobuf.EnumerationNames([")
            code.indented { code in
                for value in type.value {
                    code.line("(\(value.number ?? 0), \(CodeWriter.literal(value.name ?? ""))),")
                }
            }
            code.line("])")
        }
    }

    /// The values' names without the enum's own name in front, unless that would make two of them alike.
    private static func caseNames(_ type: EnumProto) -> [String] {
        let prefix = Names.upperSnake(type.name ?? "") + "_"
        let full = type.value.map { Names.member(($0.name ?? "").lowercased(), taken: Names.ofEnums) }
        let short = type.value.map { value in
            let name = value.name ?? ""
            let rest = name.uppercased().hasPrefix(prefix) ? name.dropFirst(prefix.count) : name[...]
            let isUsable = rest.first.map { $0.isLetter } ?? false
            return Names.member((isUsable ? rest : name[...]).lowercased(), taken: Names.ofEnums)
        }
        if Set(short).count == short.count { return short }
        return Set(full).count == full.count ? full : type.value.map { Names.quoted($0.name ?? "") }
    }
}
