import AdapterABI
import Glibc

extension AdapterHost {
    private static func of(_ context: UnsafeMutableRawPointer?) -> AdapterHost? {
        context.map { Unmanaged<AdapterHost>.fromOpaque($0).takeUnretainedValue() }
    }

    private static func text(_ pointer: UnsafePointer<CChar>?, _ size: UInt64) -> String {
        guard let pointer else { return "" }
        let count = Int(min(size, UInt64(AdapterStatuses.messageBytesMax)))
        return String(decoding: UnsafeRawBufferPointer(start: pointer, count: count), as: UTF8.self)
    }

    /// Puts the functions into the table. None of them throws or traps, whatever it is given.
    func fill() {
        table.pointee.status = { context, code, message, size in
            AdapterHost.of(context)?.statuses.make(AdapterStatus(code: code, message: AdapterHost.text(message, size)))
        }
        table.pointee.log = { context, level, message, size in
            AdapterHost.of(context)?.log(AdapterLogLevel(rawValue: level) ?? .info, AdapterHost.text(message, size))
        }
        table.pointee.write = { _, sink, data, size in
            guard let sink else { return }
            Unmanaged<ByteSink>.fromOpaque(UnsafeRawPointer(sink)).takeUnretainedValue().append(data, size)
        }
        table.pointee.output = { context, execution, name, datatype, shape, rank, size, refusal in
            guard let host = AdapterHost.of(context) else { return nil }
            let outcome: ReservedMemory
            if let record = ExecutionRecord.of(execution) {
                outcome = record.reserve(name: name, datatype: datatype, shape: shape, rank: rank, size: size)
            } else {
                host.fault("it asked for the memory of an output of an execution that this host did not start")
                outcome = .refused("this is no execution of this host")
            }
            switch outcome {
            case .granted(let address): return address
            case .refused(let reason):
                refusal?.pointee = host.statuses.make(AdapterStatus(code: SLIPWAY_INTERNAL, message: reason))
                return nil
            }
        }
        table.pointee.complete = { context, execution, status in
            guard let host = AdapterHost.of(context) else { return }
            let failure = host.take(status)
            guard let record = ExecutionRecord.of(execution) else {
                host.fault("it completed an execution that this host did not start")
                return
            }
            AdapterCallback.run { record.complete(failure) }
        }
        table.pointee.is_cancelled = { context, execution in
            guard let record = ExecutionRecord.of(UnsafeMutablePointer(mutating: execution)) else { return 0 }
            return record.isCancelled ? 1 : 0
        }
    }
}
