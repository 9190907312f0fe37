import Expressions

/// A filter as it was written. Pure: nothing here knows how events are stored.
indirect enum FilterCondition: Equatable, Sendable, ExpressionCondition {
    case and([FilterCondition])
    case or([FilterCondition])
    case not(FilterCondition)
    case comparison(EventField, FilterComparison)
}

enum FilterComparison: Equatable, Sendable {
    case relation(ExpressionRelation, FilterValue)
    case like(FilterPattern)
    case oneOf([FilterValue])
    case exists
}

/// A value that a field is compared with.
enum FilterValue: Hashable, Sendable {
    case text(String)
    case number(Double)
    case boolean(Bool)
    /// Microseconds since 1970.
    case time(Int64)
}
