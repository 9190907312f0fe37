import AdapterABI
import Glibc
import Loop
import Protobuf

/// How grave a line of an adapter's log is.
public enum AdapterLogLevel: Int32, Sendable {
    case debug = 1
    case info, warning, error
}

/// How much an adapter may give at once.
public struct AdapterLimits: Sendable {
    /// Bytes of all outputs of one execution.
    public var outputBytesMax = 1 << 30
    /// Bytes of a description.
    public var messageBytesMax = 64 << 20
    /// For checks of adapters: outputs' memory is filled with this first, and what lies behind it is watched.
    public var outputFilling: UInt8?

    public init() {}
}

/// What an adapter is given of its host: the table of functions, and what they work on.
///
/// Lives until the adapter's `close` has returned; the table points at it without holding it.
final class AdapterHost: @unchecked Sendable {
    let statuses = AdapterStatuses()
    /// Only checks change them, while nothing executes.
    var limits: AdapterLimits
    let log: @Sendable (AdapterLogLevel, String) -> Void
    /// The address that the adapter keeps.
    let table: UnsafeMutablePointer<slipway_host>
    private let faultsSeen = Lock<[String]>([])
    /// Of instances that are gone. They stay where they are as long as the adapter may have their addresses.
    private let retired = Lock<[ExecutionRecord]>([])
    static let faultsMax = 100

    init(limits: AdapterLimits, log: @escaping @Sendable (AdapterLogLevel, String) -> Void) {
        self.limits = limits
        self.log = log
        table = .allocate(capacity: 1)
        table.initialize(to: slipway_host())
        table.pointee.struct_size = UInt32(MemoryLayout<slipway_host>.size)
        table.pointee.major = UInt32(SLIPWAY_ADAPTER_MAJOR)
        table.pointee.minor = UInt32(SLIPWAY_ADAPTER_MINOR)
        table.pointee.context = Unmanaged.passUnretained(self).toOpaque()
        fill()
    }

    deinit { table.deallocate() }

    /// Notes that the adapter broke the contract, where that could be noticed without harm.
    func fault(_ text: String) {
        let isNew = faultsSeen.withLock { seen in
            guard seen.count < AdapterHost.faultsMax else { return false }
            seen.append(text)
            return true
        }
        if isNew { log(.error, "the adapter broke its contract: \(text)") }
    }

    var faults: [String] { faultsSeen.withLock { $0 } }

    func makeRecord() -> ExecutionRecord {
        retired.withLock { $0.popLast() } ?? ExecutionRecord(host: self)
    }

    func retire(_ records: [ExecutionRecord]) {
        retired.withLock { $0.append(contentsOf: records) }
    }

    /// Takes a status that a function returned; nothing for success.
    func take(_ status: OpaquePointer?) -> AdapterStatus? {
        guard let status else { return nil }
        guard let taken = statuses.take(status) else {
            let text = "it returned a status that this host did not make, or that was returned before"
            fault(text)
            return AdapterStatus(code: SLIPWAY_INTERNAL, message: text)
        }
        if taken.message.isEmpty { fault("it returned a status without a text (code \(taken.code))") }
        return taken
    }

    func check(_ status: OpaquePointer?, _ phase: AdapterStatus.Phase) throws(ServingError) {
        if let failure = take(status) { throw failure.error(phase) }
    }

    /// Has the adapter write a message.
    func read<Written: Message>(
        _ type: Written.Type, _ phase: AdapterStatus.Phase, _ write: (OpaquePointer) -> OpaquePointer?
    ) throws(ServingError) -> Written {
        let sink = ByteSink(limit: limits.messageBytesMax)
        let status = withExtendedLifetime(sink) {
            write(OpaquePointer(Unmanaged.passUnretained(sink).toOpaque()))
        }
        try check(status, phase)
        guard !sink.hasOverflowed else {
            throw ServingError(.unsupported, "the adapter wrote more than \(limits.messageBytesMax) bytes at once")
        }
        do {
            return try Written(serialized: sink.bytes)
        } catch {
            throw ServingError(.unsupported, "the adapter wrote something that is no \(Written.messageName): \(error)")
        }
    }
}

/// What an adapter writes a message to, for the time of one call.
final class ByteSink {
    private(set) var bytes: [UInt8] = []
    private(set) var hasOverflowed = false
    private let limit: Int

    init(limit: Int) { self.limit = limit }

    func append(_ data: UnsafeRawPointer?, _ size: UInt64) {
        guard let count = Int(exactly: size), count <= limit - bytes.count else {
            hasOverflowed = true
            return
        }
        guard let data, count > 0 else { return }
        bytes.append(contentsOf: UnsafeRawBufferPointer(start: data, count: count))
    }
}

extension slipway_bytes {
    /// Lends bytes for a call.
    static func lend<Result>(_ bytes: [UInt8], _ body: (slipway_bytes) -> Result) -> Result {
        bytes.withUnsafeBytes { body(slipway_bytes(data: $0.baseAddress, size: UInt64($0.count))) }
    }
}
