import Expressions

extension FilterCondition {
    func matches(_ view: EventView) -> Bool {
        switch self {
        case .and(let parts): parts.allSatisfy { $0.matches(view) }
        case .or(let parts): parts.contains { $0.matches(view) }
        case .not(let part): !part.matches(view)
        case .comparison(let field, let comparison): comparison.matches(field, view)
        }
    }
}

extension FilterComparison {
    /// False for what the event does not have.
    fileprivate func matches(_ field: EventField, _ view: EventView) -> Bool {
        switch field {
        case .time: matches(time: view.event.time.microseconds)
        case .data(let path): view.data(at: path).map { matches(data: $0) } ?? false
        default: view.text(field).map { matches(text: $0) } ?? false
        }
    }

    private func matches(time: Int64) -> Bool {
        switch self {
        case .relation(let relation, .time(let value)): relation.holds(time, value)
        case .oneOf(let values): values.contains(.time(time))
        case .exists: true
        default: false
        }
    }

    private func matches(text: String) -> Bool {
        switch self {
        case .relation(let relation, .text(let value)): relation.holds(text, value)
        case .like(let pattern): pattern.matches(text)
        case .oneOf(let values): values.contains(.text(text))
        case .exists: true
        default: false
        }
    }

    /// A list is met where one of its elements is; an object only exists.
    private func matches(data: EventValue) -> Bool {
        switch data {
        case .text(let text): matches(text: text)
        case .integer(let number): matches(number: Double(number))
        case .number(let number): matches(number: number)
        case .boolean(let value): matches(boolean: value)
        case .list(let elements): self == .exists || elements.contains { matches(data: $0) }
        case .object: self == .exists
        case .null: false
        }
    }

    private func matches(number: Double) -> Bool {
        switch self {
        case .relation(let relation, .number(let value)): relation.holds(number, value)
        case .oneOf(let values): values.contains(.number(number))
        case .exists: true
        default: false
        }
    }

    private func matches(boolean: Bool) -> Bool {
        switch self {
        case .relation(.equal, .boolean(let value)): boolean == value
        case .relation(.notEqual, .boolean(let value)): boolean != value
        case .oneOf(let values): values.contains(.boolean(boolean))
        case .exists: true
        default: false
        }
    }
}

extension ExpressionRelation {
    fileprivate func holds<Value: Comparable>(_ left: Value, _ right: Value) -> Bool {
        switch self {
        case .equal: left == right
        case .notEqual: left != right
        case .less: left < right
        case .lessOrEqual: left <= right
        case .greater: left > right
        case .greaterOrEqual: left >= right
        }
    }
}
