import Glibc
import HTTP

/// Methods by path, without making a string of a request's path: open addressing over one run of bytes, so that looking
/// keeps nothing but the handler that it finds.
struct MethodTable: Sendable {
    private struct Slot {
        /// The place of the handler in `handlers`; negative where the slot is free.
        var handler = -1
        var start = 0
        var count = 0
    }

    private var slots: [Slot]
    private var paths: [UInt8] = []
    private var handlers: [MethodHandler] = []

    init(_ list: [MethodHandler]) {
        var size = 4
        while size < list.count * 2 { size *= 2 }
        slots = Array(repeating: Slot(), count: size)
        for handler in list { add(handler) }
    }

    private mutating func add(_ handler: MethodHandler) {
        let path = Array(handler.method.path.utf8)
        var index = path.withUnsafeBytes { MethodTable.hash($0) } & (slots.count - 1)
        while slots[index].handler >= 0 {
            let taken = slots[index]
            let isSame = paths[taken.start..<(taken.start + taken.count)].elementsEqual(path)
            precondition(!isSame, "\(handler.method) is offered twice")
            index = (index + 1) & (slots.count - 1)
        }
        slots[index] = Slot(handler: handlers.count, start: paths.count, count: path.count)
        paths += path
        handlers.append(handler)
    }

    func find(_ request: RequestHead) -> MethodHandler? {
        let index = request.withTargetBytes { find($0) }
        return index >= 0 ? handlers[index] : nil
    }

    private func find(_ target: UnsafeRawBufferPointer) -> Int {
        guard let base = target.baseAddress else { return -1 }
        let count = memchr(base, 0x3f, target.count).map { UnsafeRawPointer($0) - base } ?? target.count
        let path = UnsafeRawBufferPointer(start: base, count: count)
        return slots.withUnsafeBufferPointer { slots in
            paths.withUnsafeBytes { paths in
                var index = MethodTable.hash(path) & (slots.count - 1)
                while slots[index].handler >= 0 {
                    let slot = slots[index]
                    if slot.count == count, let paths = paths.baseAddress, memcmp(paths + slot.start, base, count) == 0
                    {
                        return slot.handler
                    }
                    index = (index + 1) & (slots.count - 1)
                }
                return -1
            }
        }
    }

    private static func hash(_ path: UnsafeRawBufferPointer) -> Int {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in path { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        return Int(truncatingIfNeeded: hash ^ hash >> 32)
    }
}
