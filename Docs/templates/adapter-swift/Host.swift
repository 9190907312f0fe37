// What adapters in Swift need of their host: errors that are thrown here and cross as statuses, and messages.
import AdapterABI
import Protobuf

/// An error as the contract has them: a code, and a text that people read.
struct Failure: Error {
    var code: slipway_code
    var message: String

    init(_ code: slipway_code, _ message: String) {
        self.code = code
        self.message = message
    }
}

struct Host: @unchecked Sendable {
    let table: UnsafePointer<slipway_host>

    /// Runs a function of the adapter's. Nothing may be thrown across: an error becomes a status.
    func guarding(_ body: () throws -> Void) -> OpaquePointer? {
        do {
            try body()
            return nil
        } catch let failure as Failure {
            return status(failure.code, failure.message)
        } catch {
            return status(SLIPWAY_INTERNAL, "\(error)")
        }
    }

    private func status(_ code: slipway_code, _ message: String) -> OpaquePointer? {
        var message = message
        return message.withUTF8 { text in
            text.withMemoryRebound(to: CChar.self) { text in
                table.pointee.status?(table.pointee.context, code, text.baseAddress, UInt64(text.count))
            }
        }
    }

    func write(_ message: some Message, to sink: OpaquePointer?) {
        let bytes = message.serialized()
        bytes.withUnsafeBytes { bytes in
            table.pointee.write?(table.pointee.context, sink, bytes.baseAddress, UInt64(bytes.count))
        }
    }

    func read<Read: Message>(_ type: Read.Type, _ bytes: slipway_bytes) throws -> Read {
        try Read(serialized: Array(UnsafeRawBufferPointer(start: bytes.data, count: Int(bytes.size))))
    }

    /// Memory of an output; the host's refusal is thrown as it says it.
    func output(
        _ execution: UnsafeMutablePointer<slipway_execution>, _ name: StaticString, _ shape: [Int64]
    ) throws(Refusal) -> UnsafeMutablePointer<Float> {
        var refusal: OpaquePointer?
        let named = slipway_bytes(data: name.utf8Start, size: UInt64(name.utf8CodeUnitCount))
        let size = UInt64(shape.reduce(1, *)) * 4
        let memory = table.pointee.output?(
            table.pointee.context, execution, named, SLIPWAY_FP32, shape, UInt32(shape.count), size, &refusal)
        guard let memory else { throw Refusal(status: refusal) }
        return memory.bindMemory(to: Float.self, capacity: Int(size / 4))
    }

    /// A status that the host has made already.
    struct Refusal: Error, @unchecked Sendable {
        var status: OpaquePointer?
    }
}

/// Hands an object to the host as one of the contract's opaque pointers, and takes it back.
func hand(_ object: AnyObject) -> OpaquePointer { OpaquePointer(Unmanaged.passRetained(object).toOpaque()) }

func look<Object: AnyObject>(_ pointer: OpaquePointer?, _ type: Object.Type) -> Object? {
    pointer.map { Unmanaged<Object>.fromOpaque(UnsafeRawPointer($0)).takeUnretainedValue() }
}

func drop(_ pointer: OpaquePointer?) {
    if let pointer { Unmanaged<AnyObject>.fromOpaque(UnsafeRawPointer(pointer)).release() }
}
