/// Looks at an entry script without running it.
public protocol EntryScriptChecking: Sendable {
    /// - Parameters:
    ///   - path: as messages name it.
    ///   - text: the script itself.
    /// - Throws: `BuildFailure` `entry.syntax` with line and column, `entry.run` where it has no `run`.
    func check(path: String, text: String) async throws -> EntryScriptFacts
}

/// What an entry script says of itself.
public struct EntryScriptFacts: Hashable, Sendable {
    /// Whether it has an `init` besides `run`.
    public var hasInit: Bool
    /// The modules that it imports, by their first name, each once and sorted.
    public var imports: [String]

    public init(hasInit: Bool = false, imports: [String] = []) {
        self.hasInit = hasInit
        self.imports = imports
    }
}
