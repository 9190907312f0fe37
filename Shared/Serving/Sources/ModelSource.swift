/// Where models come from. It states everything that there is, each time anew, and keeps no state: what it leaves out is
/// unloaded.
public protocol ModelSource: Sendable {
    /// May read files: called on a thread that may block.
    /// - Throws: where the source itself cannot be read; then everything stays as it is.
    func scan() throws(ServingError) -> [DesiredVersion]

    /// How often it is worth asking again; nothing: only when somebody asks for a model.
    var interval: Duration? { get }
}

/// Several sources as one. A name belongs to the first that has it.
public struct JoinedSource: ModelSource {
    private let sources: [any ModelSource]

    public init(_ sources: [any ModelSource]) { self.sources = sources }

    public var interval: Duration? { sources.compactMap(\.interval).min() }

    public func scan() throws(ServingError) -> [DesiredVersion] {
        var found: [DesiredVersion] = []
        for source in sources {
            let names = Set(found.map(\.name))
            found += try source.scan().filter { !names.contains($0.name) }
        }
        return found
    }
}
