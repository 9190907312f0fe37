/// How a deployment is called: its workspace and its own name.
public struct EndpointName: Hashable, Sendable, CustomStringConvertible {
    public let workspace: String
    public let name: String

    public init(workspace: String, name: String) {
        self.workspace = workspace
        self.name = name
    }

    /// Reads `WORKSPACE/NAME`; nil where it is anything else.
    public init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else { return nil }
        self.init(workspace: String(parts[0]), name: String(parts[1]))
    }

    public var description: String { "\(workspace)/\(name)" }

    /// Where its path begins.
    public var prefix: String { "/endpoints/\(workspace)/\(name)" }
}
