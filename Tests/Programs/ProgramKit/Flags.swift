import Glibc

/// Flags as the public interop programs take them: `--name=value`, `--name value`, and `--name` alone for true.
public struct Flags: Sendable {
    private var values: [String: String] = [:]

    /// - Throws: `FlagError` for an argument that is no flag or that `known` does not list.
    public init(_ arguments: [String] = Array(CommandLine.arguments.dropFirst()), known: [String]) throws {
        var index = 0
        while index < arguments.count {
            let argument = arguments[index]
            guard argument.hasPrefix("--") else { throw FlagError("\"\(argument)\" is no flag; \(Flags.list(known))") }
            let pair = argument.dropFirst(2).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = String(pair[0])
            guard known.contains(name) else { throw FlagError("--\(name) is unknown; \(Flags.list(known))") }
            if pair.count == 2 {
                values[name] = String(pair[1])
            } else if index + 1 < arguments.count, !arguments[index + 1].hasPrefix("--") {
                values[name] = arguments[index + 1]
                index += 1
            } else {
                values[name] = "true"
            }
            index += 1
        }
    }

    private static func list(_ known: [String]) -> String {
        "known are \(known.map { "--\($0)" }.joined(separator: ", "))"
    }

    public func string(_ name: String) -> String? { values[name] }

    public func boolean(_ name: String) throws -> Bool {
        switch values[name]?.lowercased() {
        case nil, "false", "0": false
        case "true", "1": true
        case let other?: throw FlagError("--\(name) is true or false, not \"\(other)\"")
        }
    }

    public func integer(_ name: String, default fallback: Int) throws -> Int {
        guard let text = values[name] else { return fallback }
        guard let value = Int(text) else { throw FlagError("--\(name) is a number, not \"\(text)\"") }
        return value
    }
}

public struct FlagError: Error, CustomStringConvertible {
    public let description: String
    public init(_ description: String) { self.description = description }
}
