/// Universal Binary JSON from a cursor. Lists of numbers are passed over without being read.
final class UBJScanner: DocumentScanner {
    private let cursor: ByteCursor
    private let limits: RecognitionLimits
    private var depth = 0
    /// The marker of the next value, where its container gave it for all.
    private var typed: UInt8?

    /// How the elements of a container are told apart.
    private struct Container {
        var isObject: Bool
        var type: UInt8?
        /// How many are left; nil when a marker ends them.
        var left: Int?
    }

    init(_ cursor: ByteCursor, limits: RecognitionLimits) {
        self.cursor = cursor
        self.limits = limits
    }

    func object(_ member: (String) throws -> Void) throws -> Bool {
        guard var container = try enter(UInt8(ascii: "{")) else { return false }
        defer { depth -= 1 }
        while try goesOn(&container) {
            let name = try text(keeping: true)
            typed = container.type
            try member(name)
        }
        return true
    }

    func list(_ element: () throws -> Void) throws -> Bool {
        guard var container = try enter(UInt8(ascii: "[")) else { return false }
        defer { depth -= 1 }
        while try goesOn(&container) {
            typed = container.type
            try element()
        }
        return true
    }

    func scalar() throws -> DocumentScalar? {
        let marker = try takeMarker()
        switch marker {
        case UInt8(ascii: "{"), UInt8(ascii: "["):
            try skip(marker)
            return nil
        case UInt8(ascii: "S"), UInt8(ascii: "H"): return .text(try text(keeping: true))
        case UInt8(ascii: "C"): return .text(String(Unicode.Scalar(try cursor.byte())))
        case UInt8(ascii: "Z"), UInt8(ascii: "N"): return .null
        case UInt8(ascii: "T"): return .bool(true)
        case UInt8(ascii: "F"): return .bool(false)
        case UInt8(ascii: "d"): return .number(String(Float(bitPattern: try cursor.bigEndian(UInt32.self))))
        case UInt8(ascii: "D"): return .number(String(Double(bitPattern: try cursor.bigEndian(UInt64.self))))
        default: return .number(String(try integer(marker)))
        }
    }

    func skip() throws { try skip(try takeMarker()) }

    // MARK: Passing over

    private func skip(_ marker: UInt8) throws {
        var open: [Container] = []
        try skipValue(marker, &open)
        while var container = open.last {
            guard try goesOn(&container) else {
                open.removeLast()
                continue
            }
            if container.isObject { _ = try text(keeping: false) }
            open[open.count - 1] = container
            try skipValue(try container.type ?? self.marker(), &open)
        }
    }

    /// Passes over a scalar, or opens a container.
    private func skipValue(_ marker: UInt8, _ open: inout [Container]) throws {
        switch marker {
        case UInt8(ascii: "{"), UInt8(ascii: "["):
            let container = try header(isObject: marker == UInt8(ascii: "{"))
            // Elements of one size are passed over at once; those without any bytes too.
            if !container.isObject, let left = container.left, let type = container.type, let size = Self.size(type) {
                let (count, overflow) = left.multipliedReportingOverflow(by: size)
                guard !overflow else { throw cursor.failure(.malformed, "a list is longer than any file") }
                return try cursor.skip(count)
            }
            guard depth + open.count < limits.depthMax else {
                throw cursor.failure(.limit, "values are nested too deeply")
            }
            open.append(container)
        case UInt8(ascii: "S"), UInt8(ascii: "H"): _ = try text(keeping: false)
        default:
            guard let size = Self.size(marker) else { throw cursor.failure(.malformed, "a marker is unknown") }
            try cursor.skip(size)
        }
    }

    /// How many bytes follow a marker; nil when that differs.
    private static func size(_ marker: UInt8) -> Int? {
        switch marker {
        case UInt8(ascii: "Z"), UInt8(ascii: "N"), UInt8(ascii: "T"), UInt8(ascii: "F"): 0
        case UInt8(ascii: "i"), UInt8(ascii: "U"), UInt8(ascii: "C"): 1
        case UInt8(ascii: "I"): 2
        case UInt8(ascii: "l"), UInt8(ascii: "d"): 4
        case UInt8(ascii: "L"), UInt8(ascii: "D"): 8
        default: nil
        }
    }

    // MARK: Containers

    private func enter(_ opener: UInt8) throws -> Container? {
        let marker = try takeMarker()
        guard marker == opener else {
            try skip(marker)
            return nil
        }
        guard depth < limits.depthMax else { throw cursor.failure(.limit, "values are nested too deeply") }
        depth += 1
        return try header(isObject: opener == UInt8(ascii: "{"))
    }

    private func header(isObject: Bool) throws -> Container {
        var container = Container(isObject: isObject)
        if try cursor.peek() == UInt8(ascii: "$") {
            _ = try cursor.byte()
            container.type = try cursor.byte()
            guard try cursor.peek() == UInt8(ascii: "#") else {
                throw cursor.failure(.malformed, "a container has a type and no count")
            }
        }
        if try cursor.peek() == UInt8(ascii: "#") {
            _ = try cursor.byte()
            let left = try integer(try cursor.byte())
            guard left >= 0 else { throw cursor.failure(.malformed, "a count is negative") }
            container.left = left
        }
        return container
    }

    /// Whether another element follows; takes the end when none does.
    private func goesOn(_ container: inout Container) throws -> Bool {
        if let left = container.left {
            // Elements without any bytes of their own could be counted for ever.
            if !container.isObject, let type = container.type, Self.size(type) == 0 {
                container.left = 0
                return false
            }
            container.left = left - 1
            return left > 0
        }
        while let byte = try cursor.peek() {
            if byte == UInt8(ascii: "N") {
                _ = try cursor.byte()
                continue
            }
            guard byte == UInt8(ascii: container.isObject ? "}" : "]") else { return true }
            _ = try cursor.byte()
            return false
        }
        throw cursor.failure(.truncated, "the document ends too early")
    }

    // MARK: Tokens

    private func takeMarker() throws -> UInt8 {
        defer { typed = nil }
        return try typed ?? marker()
    }

    /// The next marker that is no filling.
    private func marker() throws -> UInt8 {
        var byte = try cursor.byte()
        while byte == UInt8(ascii: "N") { byte = try cursor.byte() }
        return byte
    }

    private func integer(_ marker: UInt8) throws -> Int {
        switch marker {
        case UInt8(ascii: "i"): Int(Int8(bitPattern: try cursor.byte()))
        case UInt8(ascii: "U"): Int(try cursor.byte())
        case UInt8(ascii: "I"): Int(try cursor.bigEndian(Int16.self))
        case UInt8(ascii: "l"): Int(try cursor.bigEndian(Int32.self))
        case UInt8(ascii: "L"): Int(try cursor.bigEndian(Int64.self))
        default: throw cursor.failure(.malformed, "a number is missing")
        }
    }

    /// A text: its length with a marker, then its bytes.
    private func text(keeping: Bool) throws -> String {
        let count = try integer(try cursor.byte())
        guard count >= 0 else { throw cursor.failure(.malformed, "a length is negative") }
        guard keeping else {
            try cursor.skip(count)
            return ""
        }
        guard count <= limits.nameBytesMax else { throw cursor.failure(.limit, "a text is too long") }
        return String(decoding: try cursor.bytes(count), as: UTF8.self)
    }
}
