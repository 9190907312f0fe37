import Glibc
import Protobuf

/// Bytes that another party fills in place, at an address that it can count on.
///
/// An array's elements begin wherever the allocator and the array's header put them. So the array is made longer than
/// asked, and the bytes handed out are the window of it that begins at the next aligned address: a slice costs nothing,
/// and whoever takes the answer never sees the rest. The memory is not cleared first.
///
/// The address outlives the closure that Swift gives it in. That is sound for what is done here: an array's elements stay
/// where they are as long as a reference to them lives and nobody changes them through Swift, and nobody does: they are
/// written through the address alone, before the slice is given to anyone.
struct AlignedBytes {
    let bytes: Bytes
    /// Where the bytes begin; valid as long as they, or a copy of them, live.
    let address: UnsafeMutableRawPointer

    /// - Parameters:
    ///   - alignment: a power of two.
    ///   - spare: bytes behind those asked for that belong to nobody.
    init?(count: Int, alignment: Int, spare: Int = 0) {
        let (capacity, overflow) = count.addingReportingOverflow(alignment + spare)
        guard count >= 0, !overflow else { return nil }
        var storage: [UInt8] = []
        var start: UnsafeMutableRawPointer?
        storage.append(addingCapacity: capacity) { output in
            output.withUnsafeMutableBufferPointer { buffer, initialised in
                start = buffer.baseAddress.map { UnsafeMutableRawPointer($0) }
                initialised = capacity
            }
        }
        guard let start else { return nil }
        let offset = Int(bitPattern: start) & (alignment - 1)
        let skipped = offset == 0 ? 0 : alignment - offset
        bytes = storage[skipped..<skipped + count]
        address = start + skipped
    }
}

extension Array {
    /// Where the elements are, for parties that read them while the array is held somewhere; see ``AlignedBytes``.
    var heldAddress: UnsafeRawPointer? {
        withUnsafeBytes { $0.baseAddress }
    }
}

extension ArraySlice {
    /// Where the elements are, for parties that read them while the slice is held somewhere; see ``AlignedBytes``.
    var heldAddress: UnsafeRawPointer? {
        withUnsafeBytes { $0.baseAddress }
    }
}
