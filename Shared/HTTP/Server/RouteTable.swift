/// The values that a path gave to a pattern's names, percent-decoded.
public struct RouteParameters: Sendable, Equatable {
    private var values: [(name: String, value: String)] = []

    public init() {}

    public subscript(name: String) -> String? { values.first { $0.name == name }?.value }
    public var isEmpty: Bool { values.isEmpty }

    mutating func add(_ name: String, _ value: String) { values.append((name, value)) }

    public static func == (left: RouteParameters, right: RouteParameters) -> Bool {
        left.values.elementsEqual(right.values) { $0 == $1 }
    }
}

/// A pattern that can't be added.
public struct RouteError: Error, Equatable, CustomStringConvertible {
    public let pattern: String
    public let reason: String
    public var description: String { "route \(pattern): \(reason)" }
}

/// Finds what belongs to a method and a path: a tree over the path's segments.
///
/// A pattern is literal segments, `{name}` (one segment that is not empty), `{name}:verb` (with a literal ending) and, last,
/// `{name...}` (the rest, slashes included). Literals beat parameters, longer endings beat shorter ones, and everything
/// beats the rest; where the better branch has no such method the next one is asked.
public struct RouteTable<Target: Sendable>: Sendable {
    public enum Match {
        case found(Target, RouteParameters)
        /// The path is known, with other methods.
        case methodNotAllowed(allowed: [HTTPMethod])
        /// A percent sign is not followed by two hexadecimal digits, or the bytes are no UTF-8.
        case badEncoding
        case unknown
    }

    private struct Endpoint: Sendable {
        var method: HTTPMethod
        var names: [String]
        var target: Target
    }
    private struct Parameter: Sendable {
        var suffix: [UInt8]
        var node: Int
    }
    private struct Node: Sendable {
        var literals: [[UInt8]: Int] = [:]
        var parameters: [Parameter] = []
        var endpoints: [Endpoint] = []
        var rest: [Endpoint] = []
    }

    private var nodes = [Node()]
    /// Every method that some pattern has, for `OPTIONS *`.
    public private(set) var methods: [HTTPMethod] = []

    public init() {}

    /// - Throws: `RouteError` where the pattern is malformed or there already.
    public mutating func add(_ method: HTTPMethod, _ pattern: String, _ target: Target) throws(RouteError) {
        guard pattern.first == "/" else { throw RouteError(pattern: pattern, reason: "must begin with a slash") }
        var node = 0
        var names: [String] = []
        var isRest = false
        for text in pattern.dropFirst().split(separator: "/", omittingEmptySubsequences: false) {
            guard !isRest else { throw RouteError(pattern: pattern, reason: "nothing can follow the rest") }
            switch try RouteSegment(text, in: pattern) {
            case .literal(let bytes): node = child(of: node, literal: bytes)
            case .parameter(let name, let suffix):
                names.append(name)
                node = child(of: node, suffix: suffix)
            case .rest(let name):
                names.append(name)
                isRest = true
            }
        }
        guard Set(names).count == names.count else { throw RouteError(pattern: pattern, reason: "a name comes twice") }
        let endpoint = Endpoint(method: method, names: names, target: target)
        let others = isRest ? nodes[node].rest : nodes[node].endpoints
        guard !others.contains(where: { $0.method == method }) else {
            throw RouteError(pattern: pattern, reason: "\(method) is taken")
        }
        if isRest { nodes[node].rest.append(endpoint) } else { nodes[node].endpoints.append(endpoint) }
        if !methods.contains(method) { methods.append(method) }
    }

    private mutating func child(of node: Int, literal: [UInt8]) -> Int {
        if let known = nodes[node].literals[literal] { return known }
        nodes.append(Node())
        nodes[node].literals[literal] = nodes.count - 1
        return nodes.count - 1
    }

    private mutating func child(of node: Int, suffix: [UInt8]) -> Int {
        if let known = nodes[node].parameters.first(where: { $0.suffix == suffix }) { return known.node }
        nodes.append(Node())
        nodes[node].parameters.append(Parameter(suffix: suffix, node: nodes.count - 1))
        nodes[node].parameters.sort { $0.suffix.count > $1.suffix.count }
        return nodes.count - 1
    }

    /// - Parameter target: a request's target; what follows `?` does not matter.
    public func match(_ method: HTTPMethod, _ target: UnsafeRawBufferPointer) -> Match {
        let end = target.index(of: UInt8(ascii: "?"), from: 0) ?? target.count
        guard end > 0, target[0] == UInt8(ascii: "/") else { return .unknown }
        var search = Search(method: method, path: target.part(0..<end))
        if let found = find(from: 0, at: 1, &search) {
            var parameters = RouteParameters()
            for (name, range) in zip(found.names, search.values) {
                guard let bytes = PercentEncoding.decode(search.path.part(range), damage: .refused),
                    let value = String(validating: bytes, as: UTF8.self)
                else { return .badEncoding }
                parameters.add(name, value)
            }
            return .found(found.target, parameters)
        }
        if search.isBadlyEncoded { return .badEncoding }
        return search.allowed.isEmpty ? .unknown : .methodNotAllowed(allowed: search.allowed)
    }

    private struct Search {
        let method: HTTPMethod
        let path: UnsafeRawBufferPointer
        var values: [Range<Int>] = []
        var allowed: [HTTPMethod] = []
        var isBadlyEncoded = false
    }

    private func find(from index: Int, at start: Int, _ search: inout Search) -> Endpoint? {
        let node = nodes[index]
        guard start <= search.path.count else { return choose(node.endpoints, &search) }
        let end = search.path.index(of: UInt8(ascii: "/"), from: start) ?? search.path.count
        let segment = search.path.part(start..<end)
        if !node.literals.isEmpty {
            if let literal = PercentEncoding.decode(segment, damage: .refused) {
                if let child = node.literals[literal], let found = find(from: child, at: end + 1, &search) {
                    return found
                }
            } else {
                search.isBadlyEncoded = true
            }
        }
        for parameter in node.parameters where segment.count > parameter.suffix.count {
            let valueEnd = end - parameter.suffix.count
            guard search.path.part(valueEnd..<end).elementsEqual(parameter.suffix) else { continue }
            search.values.append(start..<valueEnd)
            if let found = find(from: parameter.node, at: end + 1, &search) { return found }
            search.values.removeLast()
        }
        guard !node.rest.isEmpty, let found = choose(node.rest, &search) else { return nil }
        search.values.append(start..<search.path.count)
        return found
    }

    private func choose(_ endpoints: [Endpoint], _ search: inout Search) -> Endpoint? {
        if let exact = endpoints.first(where: { $0.method == search.method }) { return exact }
        if search.method == .head, let get = endpoints.first(where: { $0.method == .get }) { return get }
        for endpoint in endpoints where !search.allowed.contains(endpoint.method) {
            search.allowed.append(endpoint.method)
        }
        return nil
    }
}

/// One part of a pattern between slashes.
private enum RouteSegment {
    case literal([UInt8])
    case parameter(name: String, suffix: [UInt8])
    case rest(name: String)

    init(_ text: Substring, in pattern: String) throws(RouteError) {
        guard text.first == "{" else {
            guard !text.contains("{"), !text.contains("}") else {
                throw RouteError(pattern: pattern, reason: "a parameter begins its segment")
            }
            self = .literal(Array(text.utf8))
            return
        }
        guard let close = text.firstIndex(of: "}") else {
            throw RouteError(pattern: pattern, reason: "a brace is open")
        }
        let name = text[text.index(after: text.startIndex)..<close]
        let suffix = text[text.index(after: close)...]
        let isRest = name.hasSuffix("...")
        let plain = isRest ? name.dropLast(3) : name
        guard !plain.isEmpty, plain.allSatisfy({ $0.isLetter || $0.isNumber || $0 == "_" }),
            !suffix.contains("{"), !suffix.contains("}"), !isRest || suffix.isEmpty
        else { throw RouteError(pattern: pattern, reason: "a parameter is {name}, {name}ending or {name...}") }
        self = isRest ? .rest(name: String(plain)) : .parameter(name: String(plain), suffix: Array(suffix.utf8))
    }
}
