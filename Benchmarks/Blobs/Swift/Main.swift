import Blobs
import Glibc
import Loop

/// Times putting a file into a folder's store and getting it out again: `bench-blobs STORE FILE OUTPUT`. Prints seconds.
@main
struct BenchBlobs {
    static func main() async throws {
        let arguments = CommandLine.arguments
        guard arguments.count == 4 else {
            print("bench-blobs STORE FILE OUTPUT")
            exit(2)
        }
        let pool = ComputePool(threads: 2)
        try pool.start()
        let store = try await FolderBlobStore.open(arguments[1], pool: pool)
        let clock = ContinuousClock()
        let started = clock.now
        let pin = try await store.put(FileChunks(path: arguments[2], pool: pool))
        let put = clock.now - started
        let middle = clock.now
        try await store.withBlob(pin.info.digest) { reader in
            let output = open(arguments[3], O_WRONLY | O_CREAT | O_TRUNC, 0o600)
            for try await chunk in reader.verifiedChunks() {
                try await pool.run {
                    chunk.withUnsafeBytes { bytes in
                        guard write(output, bytes.baseAddress, bytes.count) == bytes.count else { exit(1) }
                    }
                }
            }
            close(output)
        }
        let get = clock.now - middle
        print("\(seconds(put)) \(seconds(get)) \(pin.info.digest.hexadecimal)")
    }

    static func seconds(_ duration: Duration) -> Double { Double(duration.wholeNanoseconds) / 1e9 }
}

/// A file in chunks.
struct FileChunks: AsyncSequence {
    let path: String
    let pool: ComputePool

    struct AsyncIterator: AsyncIteratorProtocol {
        let descriptor: Int32
        let pool: ComputePool

        mutating func next() async throws -> ArraySlice<UInt8>? {
            let descriptor = descriptor
            let bytes = try await pool.run {
                [UInt8](unsafeUninitializedCapacity: 1 << 20) { buffer, count in
                    count = Swift.max(0, read(descriptor, buffer.baseAddress, buffer.count))
                }
            }
            return bytes.isEmpty ? nil : bytes[...]
        }
    }

    func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(descriptor: open(path, O_RDONLY | O_CLOEXEC), pool: pool)
    }
}
