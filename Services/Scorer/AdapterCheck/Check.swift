import Serving

/// One thing that the contract asks for, and how to find out.
struct Check: Sendable {
    var name: String
    /// What holds where the check passes.
    var promise: String
    var run: @Sendable (Subject) throws(Finding) -> Outcome

    static let all: [Check] =
        openingChecks + loadingChecks + requestChecks + answerChecks + batchChecks + pendingChecks + processChecks
}

/// How a check went, other than badly.
enum Outcome: Equatable {
    case passed(String)
    /// Nothing is wrong, and a person may want to know.
    case noted(String)
    /// It does not apply to this adapter or model.
    case skipped(String)
}

/// What is wrong.
struct Finding: Error {
    var reason: String

    init(_ reason: String) { self.reason = reason }
}

/// Turns an adapter's error into a finding that says what was being done.
func finding<Result>(_ doing: String, _ body: () throws(ServingError) -> Result) throws(Finding) -> Result {
    do throws(ServingError) {
        return try body()
    } catch {
        throw Finding("\(doing): \(error.message)")
    }
}
