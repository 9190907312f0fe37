/// What `--slipway_opt` asks for: `key=value` pairs, separated by commas; lists are separated by plus signs.
struct Options {
    /// Modules that the generated files import.
    var imports: [String] = []
    /// Namespaces that an imported module declares already, as `Google+Google.Protobuf`.
    var declared: Set<String> = []
    /// The module that the generated files belong to, which they do not import.
    var module = ""
    /// Whether services get their protocols and clients; without them nothing needs the RPC module.
    var services = true
    /// Whether the generated files belong to the runtime's own module and so do not import it.
    var isRuntime = false
    var access = "public"
    /// Whether the proto files' comments become doc comments.
    var comments = true

    init(parameter: String) throws {
        for pair in parameter.split(separator: ",") {
            let parts = pair.split(separator: "=", maxSplits: 1)
            let value = parts.count == 2 ? String(parts[1]) : "true"
            let list = value.split(separator: "+").map(String.init)
            switch parts[0] {
            case "import": imports += list
            case "declared": declared.formUnion(list)
            case "module": module = value
            case "services": services = try Self.boolean(value, of: pair)
            case "runtime": isRuntime = try Self.boolean(value, of: pair)
            case "comments": comments = try Self.boolean(value, of: pair)
            case "access":
                guard ["public", "package", "internal"].contains(value) else {
                    throw GeneratorError("access is public, package or internal, not \(value)")
                }
                access = value
            default:
                throw GeneratorError(
                    "unknown option \(parts[0]); known are import, declared, module, services, runtime, comments and access"
                )
            }
        }
    }

    private static func boolean(_ value: String, of pair: Substring) throws -> Bool {
        guard value == "true" || value == "false" else { throw GeneratorError("\(pair): true or false is expected") }
        return value == "true"
    }
}
