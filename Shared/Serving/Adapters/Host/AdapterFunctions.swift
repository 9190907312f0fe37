import AdapterABI
import Glibc

/// An adapter's table, checked once: what is required is there, and what its size leaves out is absent.
struct AdapterFunctions: @unchecked Sendable {
    typealias Status = OpaquePointer
    typealias Open =
        @convention(c) (UnsafePointer<slipway_host>?, slipway_bytes, UnsafeMutablePointer<OpaquePointer?>?) -> Status?
    typealias Write = @convention(c) (OpaquePointer?, OpaquePointer?) -> Status?
    typealias Examine = @convention(c) (OpaquePointer?, slipway_bytes, OpaquePointer?) -> Status?
    typealias Make =
        @convention(c) (OpaquePointer?, slipway_bytes, UnsafeMutablePointer<OpaquePointer?>?) -> Status?
    typealias Release = @convention(c) (OpaquePointer?) -> Void
    typealias Execute =
        @convention(c) (
            OpaquePointer?, OpaquePointer?, UnsafeMutablePointer<slipway_execution>?, UnsafeMutablePointer<Int32>?
        ) -> Status?
    typealias Cancel =
        @convention(c) (OpaquePointer?, OpaquePointer?, UnsafeMutablePointer<slipway_execution>?) -> Void

    let minor: UInt32
    let open: Open
    let close: Release
    let describe: Write
    let recognise: Examine?
    let estimate: Examine?
    let load: Make
    let unload: Release
    let describeModel: Write
    let createInstance: Make?
    let destroyInstance: Release?
    let execute: Execute
    let cancel: Cancel?
    let metrics: Write?

    /// The least that has every required member: up to and with `execute`.
    static let sizeMin = MemoryLayout<slipway_adapter>.offset(of: \.cancel) ?? MemoryLayout<slipway_adapter>.size

    /// - Parameter pointer: a table, of which no more is read than its first member says there is.
    /// - Throws: `unsupported`, saying what is wrong with the table.
    init(_ pointer: UnsafePointer<slipway_adapter>) throws(ServingError) {
        // The size first: nothing behind it may be looked at before.
        let size = Int(UnsafeRawPointer(pointer).load(as: UInt32.self))
        guard size >= 8 else { throw ServingError(.unsupported, "its table says that it has \(size) bytes") }
        let major = UnsafeRawPointer(pointer).load(fromByteOffset: 4, as: UInt32.self)
        guard major == UInt32(SLIPWAY_ADAPTER_MAJOR) else {
            throw ServingError(
                .unsupported,
                "it is of version \(major) of the adapter contract, and this server of \(SLIPWAY_ADAPTER_MAJOR)")
        }
        guard size >= AdapterFunctions.sizeMin else {
            throw ServingError(
                .unsupported,
                "its table has \(size) bytes, and at least \(AdapterFunctions.sizeMin) are needed; was struct_size set?"
            )
        }
        var table = slipway_adapter()
        withUnsafeMutableBytes(of: &table) { copy in
            copy.copyMemory(from: UnsafeRawBufferPointer(start: pointer, count: min(size, copy.count)))
        }
        let required: [(name: String, isThere: Bool)] = [
            ("open", table.open != nil), ("close", table.close != nil), ("describe", table.describe != nil),
            ("load", table.load != nil), ("unload", table.unload != nil),
            ("describe_model", table.describe_model != nil), ("execute", table.execute != nil),
        ]
        guard let open = table.open, let close = table.close, let describe = table.describe, let load = table.load,
            let unload = table.unload, let describeModel = table.describe_model, let execute = table.execute
        else {
            let missing = required.filter { !$0.isThere }.map(\.name).joined(separator: ", ")
            throw ServingError(.unsupported, "its table lacks what every adapter must have: \(missing)")
        }
        guard (table.create_instance == nil) == (table.destroy_instance == nil) else {
            throw ServingError(.unsupported, "its table has only one of create_instance and destroy_instance")
        }
        minor = table.minor
        self.open = open
        self.close = close
        self.describe = describe
        recognise = table.recognise
        estimate = table.estimate
        self.load = load
        self.unload = unload
        self.describeModel = describeModel
        createInstance = table.create_instance
        destroyInstance = table.destroy_instance
        self.execute = execute
        cancel = table.cancel
        metrics = table.metrics
    }
}
