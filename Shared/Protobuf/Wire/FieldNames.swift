/// The names that JSON may use for a message's fields: the one in the proto file and its lowerCamelCase form.
public struct FieldNames: Sendable {
    private let numbers: [String: Int]

    public init(_ fields: [(Int, String, String)]) {
        var numbers: [String: Int] = [:]
        numbers.reserveCapacity(fields.count * 2)
        for (number, original, _) in fields { numbers[original] = number }
        // A JSON name wins over another field's original name.
        for (number, _, json) in fields { numbers[json] = number }
        self.numbers = numbers
    }

    public func number(_ name: String) -> Int? { numbers[name] }
}
