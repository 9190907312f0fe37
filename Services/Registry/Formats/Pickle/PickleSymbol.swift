/// What is known of a value that a pickle would make. Values never refer to each other in a circle or to any depth, so
/// that no pickle can make freeing them expensive.
enum PickleSymbol {
    case none
    case integer(Int)
    case text(String)
    /// What was imported, by its place in the findings; nil when its name could not be told.
    case global(Int?)
    /// A tuple of integers.
    case shape([Int])
    /// A short tuple; tuples inside it are forgotten.
    case tuple([PickleSymbol])
    case dictionary(PickleDictionary)
    case list(PickleList)
    case elementType(PickleElementType)
    /// An array that numpy builds, with the texts it holds.
    case array(PickleArray)
    /// joblib's stand-in for an array whose bytes follow it in the file.
    case arrayWrapper
    /// A reference of torch to the numbers of a tensor, with their type.
    case storage(String)
    case tensor(PickleTensor)
    /// A value that is certainly no text.
    case other
    /// A value that may be anything, a text too.
    case computed

    /// The same without what would nest.
    var leaf: PickleSymbol {
        if case .tuple = self { return .other }
        return self
    }

    var integer: Int? { if case .integer(let value) = self { value } else { nil } }
    var text: String? { if case .text(let value) = self { value } else { nil } }
}

/// The entries of a dictionary that describe an array of joblib's.
final class PickleDictionary {
    var shape: [Int]?
    var elementType: PickleElementType?
    var alignment: PickleSymbol?
}

/// The texts of a list.
final class PickleList {
    var texts: [String] = []
}

final class PickleArray {
    var texts: [String] = []
}

final class PickleTensor {
    let type: String
    let shape: [Int]

    init(type: String, shape: [Int]) {
        self.type = type
        self.shape = shape
    }
}

/// A `numpy.dtype`.
final class PickleElementType {
    let code: String
    /// What its state says later on.
    var stateSize: Int?
    var flags = 0

    init(code: String) { self.code = code }

    /// Elements are Python objects, or hold some.
    var hasObjects: Bool { flags & 1 != 0 || code.hasPrefix("O") || code.hasPrefix("|O") }

    /// Bytes of one element; nil when the code is none that is known.
    var size: Int? {
        var rest = Substring(code)
        if let first = rest.first, "<>|=".contains(first) { rest = rest.dropFirst() }
        guard let kind = rest.first else { return nil }
        if kind == "?" { return 1 }
        guard "biufcmMUSaV".contains(kind) else { return nil }
        if "USaV".contains(kind), let stateSize, stateSize > 0 { return stateSize }
        let digits = rest.dropFirst().prefix { $0.isASCII && $0.isNumber }
        guard let count = Int(digits), count >= 0, count < 1 << 31 else { return nil }
        return kind == "U" ? count * 4 : count
    }
}
