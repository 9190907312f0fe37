import Glibc

/// Bytes on their way to a socket. The memory is taken when needed and given back when all is written, so that ten
/// thousand idle connections cost nothing.
struct OutputBuffer: ~Copyable {
    /// A driver stops adding when this much is pending.
    static let comfortable = 64 * 1024

    private var memory: UnsafeMutableRawPointer?
    private var capacity = 0
    private var start = 0
    private var end = 0

    init() {}
    deinit { free(memory) }

    var count: Int { end - start }
    var isEmpty: Bool { start == end }
    var isComfortable: Bool { end - start < OutputBuffer.comfortable }

    @inline(__always)
    mutating func append(_ bytes: UnsafeRawPointer, _ count: Int) {
        memcpy(reserve(count), bytes, count)
    }

    mutating func append(_ bytes: UnsafeRawBufferPointer) {
        if let base = bytes.baseAddress { append(base, bytes.count) }
    }

    mutating func append(_ text: StaticString) { append(text.utf8Start, text.utf8CodeUnitCount) }

    mutating func append(_ text: String) {
        var text = text
        text.withUTF8 { append(UnsafeRawBufferPointer($0)) }
    }

    /// Room for `count` bytes that the caller fills at once.
    @inline(__always)
    mutating func reserve(_ count: Int) -> UnsafeMutableRawPointer {
        if end + count > capacity || memory == nil { grow(count) }
        defer { end += count }
        return memory! + end
    }

    private mutating func grow(_ count: Int) {
        if start > 0, let memory {
            memmove(memory, memory + start, end - start)
            end -= start
            start = 0
        }
        guard end + count > capacity || memory == nil else { return }
        capacity = max(capacity, 4096)
        while end + count > capacity { capacity *= 2 }
        memory = realloc(memory, capacity)
        precondition(memory != nil, "out of memory")
    }

    func withPending<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        body(UnsafeRawBufferPointer(start: memory.map { UnsafeRawPointer($0 + start) }, count: end - start))
    }

    mutating func remove(_ count: Int) {
        start += count
        guard start == end else { return }
        start = 0
        end = 0
        // A small buffer stays for the next answer; the memory of a burst goes back.
        if capacity > 16 * 1024 { release() }
    }

    mutating func release() {
        free(memory)
        memory = nil
        capacity = 0
        start = 0
        end = 0
    }
}
