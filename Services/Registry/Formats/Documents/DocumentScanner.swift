/// A walk through a document of objects, lists and scalars, in which what is not asked for is passed over.
///
/// A class, so that the closures it calls may go on with it.
protocol DocumentScanner: AnyObject {
    /// Reads an object and calls the closure with each name; the closure takes the value by one call. False, and the
    /// value passed over, when it is no object.
    func object(_ member: (String) throws -> Void) throws -> Bool

    /// Reads a list and calls the closure for each element, which it takes by one call. False, and the value passed over,
    /// when it is no list.
    func list(_ element: () throws -> Void) throws -> Bool

    /// Reads one value; an object or a list is passed over and nil.
    func scalar() throws -> DocumentScalar?

    func skip() throws
}

enum DocumentScalar: Hashable {
    case null
    case bool(Bool)
    /// A number as it is written.
    case number(String)
    case text(String)

    /// What it says as a text; nothing for null.
    var text: String {
        switch self {
        case .null: ""
        case .bool(let value): value ? "true" : "false"
        case .number(let value), .text(let value): value
        }
    }

    /// An integer, also one in quotes.
    var integer: Int? {
        switch self {
        case .number(let value), .text(let value): Int(value)
        default: nil
        }
    }
}

extension DocumentScanner {
    func text() throws -> String { try scalar()?.text ?? "" }

    /// The scalars of a list, up to a number of them.
    func scalars(_ countMax: Int) throws -> [DocumentScalar] {
        var result: [DocumentScalar] = []
        _ = try list {
            if let scalar = try self.scalar(), result.count < countMax { result.append(scalar) }
        }
        return result
    }
}
