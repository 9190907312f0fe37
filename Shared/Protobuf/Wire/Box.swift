/// Storage for an embedded message whose type contains itself. It is a value: a change through one copy is not seen
/// through another.
@frozen
public struct Box<Value: Message>: Sendable, Hashable {
    @usableFromInline var storage: Storage

    @inlinable public init(_ value: Value) { storage = Storage(value) }

    @inlinable public var value: Value { storage.value }

    /// Changes the message in place when nobody else holds it.
    @inlinable
    mutating func mutate(_ body: (inout Value) throws -> Void) rethrows {
        if !isKnownUniquelyReferenced(&storage) { storage = Storage(storage.value) }
        try body(&storage.value)
    }

    /// Sharing is safe because an instance is only changed while one box alone refers to it.
    @usableFromInline
    final class Storage: @unchecked Sendable, Hashable {
        @usableFromInline var value: Value

        @inlinable init(_ value: Value) { self.value = value }

        @usableFromInline
        static func == (left: Storage, right: Storage) -> Bool { left === right || left.value == right.value }

        @usableFromInline
        func hash(into hasher: inout Hasher) { value.hash(into: &hasher) }
    }
}
