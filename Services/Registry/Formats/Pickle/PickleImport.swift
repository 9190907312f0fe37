/// Something that loading a pickle would import.
public struct PickleImport: Hashable, Sendable, CustomStringConvertible {
    public enum Risk: String, Hashable, Sendable {
        /// Among the names that a model needs and that do nothing but build objects.
        case known
        /// Not among them: it may be harmless or not.
        case suspicious
        /// It runs code or commands, reaches files or the network, or gives access to anything else.
        case dangerous
    }

    public var module: String
    public var name: String
    public var risk: Risk
    /// Loading would also call it, as a function or to make an object.
    public var isCalled: Bool

    public init(_ module: String, _ name: String, risk: Risk, isCalled: Bool = false) {
        self.module = module
        self.name = name
        self.risk = risk
        self.isCalled = isCalled
    }

    public var description: String { "\(module).\(name)" }
}
