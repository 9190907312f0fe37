import AdapterABI
public import AdapterContracts
import Glibc
import Protobuf

/// An adapter that is open: a dynamic library that loads models of some framework.
///
/// The library stays in the process for good; the adapter is closed when nobody holds it or a model of it any more. Its
/// functions may be called on any thread.
public final class AdapterLibrary: ModelFramework, @unchecked Sendable {
    /// Where it was opened.
    public let path: String
    public let adapter: Slipway.Adapter.V1.AdapterDescription
    let host: AdapterHost
    let functions: AdapterFunctions
    let state: OpaquePointer?
    let inputAlignment: Int
    /// Given up after the adapter was closed.
    private let claim: LibraryClaim?

    /// Opens a library and the adapter in it.
    ///
    /// - Parameters:
    ///   - options: its `folder` is that of the library where it is empty.
    ///   - log: takes the adapter's lines, on any thread.
    /// - Throws: `unavailable` where there is no such library or it cannot be linked, `unsupported` where it is no adapter
    ///   or not one for this server, and what the adapter's `open` said.
    public convenience init(
        path: String, options: Slipway.Adapter.V1.AdapterOptions = .init(), limits: AdapterLimits = AdapterLimits(),
        log: @escaping @Sendable (AdapterLogLevel, String) -> Void = { _, _ in }
    ) throws(ServingError) {
        let found = try DynamicLibrary.entry(of: path)
        var options = options
        if options.folder.isEmpty {
            options.folder = String(found.path[..<(found.path.lastIndex(of: "/") ?? found.path.startIndex)])
        }
        let claim = try LibraryClaim(found.path)
        try self.init(
            entry: found.entry, path: found.path, options: options, limits: limits, claim: claim, log: log)
    }

    /// Opens an adapter by its entry, wherever that comes from.
    package init(
        entry: @convention(c) (UInt32) -> UnsafeRawPointer?, path: String,
        options: Slipway.Adapter.V1.AdapterOptions = .init(), limits: AdapterLimits = AdapterLimits(),
        claim: LibraryClaim? = nil, log: @escaping @Sendable (AdapterLogLevel, String) -> Void = { _, _ in }
    ) throws(ServingError) {
        guard let table = entry(UInt32(SLIPWAY_ADAPTER_MAJOR)) else {
            throw ServingError(
                .unsupported,
                "\(path) is no adapter for this server: it has no version \(SLIPWAY_ADAPTER_MAJOR) of the contract")
        }
        let pointer = table.assumingMemoryBound(to: slipway_adapter.self)
        do {
            functions = try AdapterFunctions(pointer)
        } catch {
            throw ServingError(error.kind, "\(path) is no adapter for this server: \(error.message)")
        }
        self.path = path
        self.claim = claim
        host = AdapterHost(limits: limits, log: log)
        do throws(ServingError) {
            let (host, functions) = (host, functions)
            var state: OpaquePointer?
            let status = slipway_bytes.lend(options.serialized()) { functions.open(host.table, $0, &state) }
            try host.check(status, .opening)
            self.state = state
            do throws(ServingError) {
                let opened = state
                let adapter = try host.read(Slipway.Adapter.V1.AdapterDescription.self, .opening) { sink in
                    functions.describe(opened, sink)
                }
                inputAlignment = try AdapterLibrary.alignment(of: adapter)
                self.adapter = adapter
            } catch {
                functions.close(state)
                throw error
            }
        } catch {
            throw ServingError(error.kind, "\(path): \(error.message)", retryAfter: error.retryAfter)
        }
    }

    deinit { AdapterCallback.release(functions.close, state, keeping: Kept(host: host, claim: claim)) }

    /// What an adapter may use until its `close` has returned.
    private final class Kept {
        let host: AdapterHost
        let claim: LibraryClaim?

        init(host: AdapterHost, claim: LibraryClaim?) {
            self.host = host
            self.claim = claim
        }
    }

    public func recognise(
        _ request: Slipway.Adapter.V1.LoadRequest
    ) throws(ServingError) -> Slipway.Adapter.V1.Recognition {
        guard let recognise = functions.recognise else {
            return .init(reason: "adapter \(adapter.name) has to be asked for by name")
        }
        return try examine(request, recognise)
    }

    public func estimate(
        _ request: Slipway.Adapter.V1.LoadRequest
    ) throws(ServingError) -> Slipway.Adapter.V1.MemoryEstimate {
        guard let estimate = functions.estimate else { return .init() }
        return try examine(request, estimate)
    }

    private func examine<Answer: Message>(
        _ request: Slipway.Adapter.V1.LoadRequest, _ function: AdapterFunctions.Examine
    ) throws(ServingError) -> Answer {
        let bytes = request.serialized()
        return try host.read(Answer.self, .loading) { sink in
            slipway_bytes.lend(bytes) { function(state, $0, sink) }
        }
    }

    public func load(_ request: Slipway.Adapter.V1.LoadRequest) throws(ServingError) -> any ServableModel {
        var model: OpaquePointer?
        let status = slipway_bytes.lend(request.serialized()) { functions.load(state, $0, &model) }
        try host.check(status, .loading)
        guard let model else { throw ServingError(.unsupported, "the adapter loaded a model that is not there") }
        return try AdapterModel(self, pointer: model)
    }

    /// What the adapter says of itself now: it may know more once a model has been loaded.
    public func describeAgain() throws(ServingError) -> Slipway.Adapter.V1.AdapterDescription {
        try host.read(Slipway.Adapter.V1.AdapterDescription.self, .loading) { functions.describe(state, $0) }
    }

    /// What the adapter did that the contract forbids, as far as it could be noticed; at most a hundred.
    public var faults: [String] { host.faults }

    /// Statuses that the adapter made and neither returned nor completed with.
    package var statusesHeld: Int { host.statuses.count }

    /// For checks, while nothing executes: what outputs' memory is filled with first.
    package func fillOutputs(with byte: UInt8) { host.limits.outputFilling = byte }

    private static func alignment(of adapter: Slipway.Adapter.V1.AdapterDescription) throws(ServingError) -> Int {
        let alignment = Int(adapter.inputAlignment)
        guard alignment <= 4096, alignment & (alignment - 1) == 0 else {
            throw ServingError(.unsupported, "it asks for inputs at multiples of \(alignment), which is no alignment")
        }
        guard !adapter.name.isEmpty else { throw ServingError(.unsupported, "its description has no name") }
        return alignment
    }
}
