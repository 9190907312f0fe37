import Glibc
import Protobuf

/// Bytes of which nobody knows beforehand how many there will be: appending is a store and a comparison.
struct ByteSink: ~Copyable {
    private var base: UnsafeMutableRawPointer
    private var capacity: Int
    private(set) var count = 0

    init(capacity: Int) {
        self.capacity = max(64, capacity)
        base = .allocate(byteCount: self.capacity, alignment: 16)
    }

    deinit { base.deallocate() }

    @inline(__always)
    mutating func append<Value: BitwiseCopyable>(_ value: Value) {
        if capacity &- count < MemoryLayout<Value>.size { grow(MemoryLayout<Value>.size) }
        base.storeBytes(of: value, toByteOffset: count, as: Value.self)
        count &+= MemoryLayout<Value>.size
    }

    mutating func append(_ bytes: [UInt8]) {
        if capacity - count < bytes.count { grow(bytes.count) }
        bytes.withUnsafeBytes { source in
            if let start = source.baseAddress { (base + count).copyMemory(from: start, byteCount: source.count) }
        }
        count += bytes.count
    }

    @inline(never)
    private mutating func grow(_ more: Int) {
        capacity = max(capacity * 2, count + more)
        let larger = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 16)
        larger.copyMemory(from: base, byteCount: count)
        base.deallocate()
        base = larger
    }

    var bytes: Bytes { Array(UnsafeRawBufferPointer(start: base, count: count))[...] }
}
