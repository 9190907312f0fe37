/// How names in proto files become Swift's.
enum Names {
    /// `foo_bar` to `fooBar` or `FooBar`; letters that are capital already stay so.
    static func camel(_ name: some StringProtocol, capital: Bool) -> String {
        var result = ""
        var raises = capital
        for character in name {
            if character == "_" {
                raises = capital || !result.isEmpty
            } else {
                result += raises ? character.uppercased() : String(character)
                raises = false
            }
        }
        if !capital { result = lowered(result) }
        if result.isEmpty || result.first?.isNumber == true { result = "_" + result }
        return result
    }

    /// Lowers the first letter, or the first word when it is all capitals: `URL` to `url`, `ModelName` to `modelName`.
    private static func lowered(_ name: String) -> String {
        guard name.contains(where: \.isLowercase) else { return name.lowercased() }
        return name.prefix(1).lowercased() + name.dropFirst()
    }

    static func upperSnake(_ name: String) -> String {
        var result = ""
        var previous: Character = "_"
        for character in name {
            if character.isUppercase, previous.isLowercase || previous.isNumber { result += "_" }
            result += character.uppercased()
            previous = character
        }
        return result
    }

    /// A name for a type or a namespace.
    static func type(_ name: some StringProtocol) -> String {
        let name = camel(name, capital: true)
        return ["Type", "Protocol", "Self"].contains(name) ? name + "_" : quoted(name)
    }

    /// A name for a property, a case or a function.
    static func member(_ name: some StringProtocol, taken: Set<String> = []) -> String {
        let name = camel(name, capital: false)
        if taken.contains(name) || name == "self" || name == "init" { return name + "_" }
        return quoted(name)
    }

    static func quoted(_ name: String) -> String { keywords.contains(name) ? "`\(name)`" : name }

    /// The swift name without its quotes.
    static func bare(_ name: String) -> String { name.filter { $0 != "`" } }

    /// What every message has beside its fields.
    static let ofMessages: Set<String> = [
        "messageName", "fieldNames", "hasCustomJSON", "unknownFields", "encodedSize", "encode", "merge",
        "encodeJSONFields", "mergeJSONField", "encodeJSON", "mergeJSON", "serialized", "jsonBytes", "jsonString",
        "hash",
        "hashValue",
    ]

    /// The variables that generated functions use.
    static let locals: Set<String> = [
        "tag", "reader", "writer", "json", "number", "size", "value", "box", "current", "newValue",
    ]

    /// A property as a generated function has to write it.
    static func reference(_ member: String) -> String { locals.contains(member) ? "self." + member : member }

    /// What every enum has beside its values.
    static let ofEnums: Set<String> = ["enumName", "valueNames", "rawValue", "hash", "hashValue", "description"]

    private static let keywords: Set<String> = [
        "Any", "as", "associatedtype", "break", "case", "catch", "class", "continue", "default", "defer", "deinit",
        "do",
        "else", "enum", "extension", "fallthrough", "false", "fileprivate", "for", "func", "guard", "if", "import",
        "in",
        "inout", "internal", "is", "let", "nil", "operator", "precedencegroup", "private", "protocol", "public",
        "repeat", "rethrows", "return", "static", "struct", "subscript", "super", "switch", "throw", "throws", "true",
        "try", "typealias", "var", "where", "while",
    ]
}
