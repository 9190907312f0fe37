import AdapterContracts
import CLinux
import Glibc
import Protobuf

/// How a trial's messages look in the two processes.
enum TrialMessages {
    typealias Event = Slipway.Adapter.V1.TrialEvent.Event

    static func message(_ tensor: Tensor) -> Slipway.Adapter.V1.TrialTensor {
        .init(
            name: tensor.name, datatype: .init(rawValue: tensor.datatype.rawValue),
            shape: tensor.shape.map { Int64($0) },
            contents: tensor.contents)
    }

    static func tensor(_ message: Slipway.Adapter.V1.TrialTensor) -> Tensor? {
        guard let datatype = Datatype(rawValue: message.datatype.rawValue) else { return nil }
        return Tensor(
            name: message.name, datatype: datatype, shape: message.shape.map { Int($0) }, contents: message.contents)
    }

    /// All whole messages; a process that crashed may have left a part of one.
    static func events(in bytes: Bytes) -> [Event] {
        var events: [Event] = []
        var rest = bytes
        while rest.count >= 4 {
            let length = Int(
                UInt32(littleEndian: rest.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: 0, as: UInt32.self) }))
            rest = rest.dropFirst(4)
            guard length <= rest.count else { break }
            let message = try? Slipway.Adapter.V1.TrialEvent(serialized: rest.prefix(length))
            if let event = message?.event { events.append(event) }
            rest = rest.dropFirst(length)
        }
        return events
    }

    static func write(_ event: Event, to descriptor: Int32) {
        var message = Slipway.Adapter.V1.TrialEvent()
        message.event = event
        var bytes = message.serialized(prefix: 4)
        let length = UInt32(bytes.count - 4).littleEndian
        withUnsafeBytes(of: length) { bytes.replaceSubrange(0..<4, with: $0) }
        write(bytes[...], to: descriptor)
    }

    static func write(_ text: String, to descriptor: Int32) { write(Array(text.utf8)[...], to: descriptor) }

    private static func write(_ bytes: Bytes, to descriptor: Int32) {
        var rest = bytes
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 || errno == EINTR else { return }
            rest = rest.dropFirst(max(0, count))
        }
    }

    static func readAll(_ descriptor: Int32) -> [UInt8] {
        var bytes: [UInt8] = []
        withUnsafeTemporaryAllocation(byteCount: 65_536, alignment: 16) { buffer in
            while true {
                let count = read(descriptor, buffer.baseAddress, buffer.count)
                if count == -1, errno == EINTR { continue }
                guard count > 0 else { return }
                bytes.append(contentsOf: buffer[..<count])
            }
        }
        return bytes
    }

    private static let kinds: [(kind: ServingError.Kind, name: String)] = [
        (.notFound, "not found"), (.invalidInput, "invalid input"), (.notReady, "not ready"),
        (.overloaded, "overloaded"), (.deadlineExceeded, "deadline exceeded"), (.cancelled, "cancelled"),
        (.unavailable, "unavailable"), (.unloadable, "unloadable"), (.unsupported, "unsupported"),
        (.modelFailed, "model failed"), (.refused, "refused"), (.faulty, "faulty"),
    ]

    static func name(of kind: ServingError.Kind) -> String { kinds.first { $0.kind == kind }?.name ?? "faulty" }

    static func kind(named name: String) -> ServingError.Kind { kinds.first { $0.name == name }?.kind ?? .faulty }
}
