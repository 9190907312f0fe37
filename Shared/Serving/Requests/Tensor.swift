public import Protobuf

/// A named array of numbers or texts.
///
/// `contents` is what crosses to the model: row-major, little-endian, elements of `bytes` each behind its length as a
/// 32-bit number. It may be a window of the request's message: nothing is copied until an alignment asks for it.
public struct Tensor: Sendable, Equatable {
    public var name: String
    public var datatype: Datatype
    public var shape: [Int]
    public var contents: Bytes

    public init(name: String, datatype: Datatype, shape: [Int], contents: Bytes) {
        self.name = name
        self.datatype = datatype
        self.shape = shape
        self.contents = contents
    }
}

/// What a model says of an input or output; a dimension of -1 takes any size.
public struct TensorSpecification: Sendable, Equatable {
    public var name: String
    public var datatype: Datatype
    public var shape: [Int]
    public var mayBeAbsent: Bool
    /// Names of the columns of the last dimension, where the model has them.
    public var columns: [String]
    /// Of an input: what the model takes besides and converts by itself.
    public var alsoTakes: [Datatype]

    public init(
        name: String, datatype: Datatype, shape: [Int], mayBeAbsent: Bool = false, columns: [String] = [],
        alsoTakes: [Datatype] = []
    ) {
        self.name = name
        self.datatype = datatype
        self.shape = shape
        self.mayBeAbsent = mayBeAbsent
        self.columns = columns
        self.alsoTakes = alsoTakes
    }

    /// Whether a tensor of that datatype may be given.
    public func takes(_ other: Datatype) -> Bool { other == datatype || alsoTakes.contains(other) }
}
