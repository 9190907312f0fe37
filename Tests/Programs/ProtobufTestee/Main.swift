internal import Glibc
internal import Protobuf

typealias Request = Conformance.ConformanceRequest
typealias Response = Conformance.ConformanceResponse
typealias AllTypes = ProtobufTestMessages.Proto3.TestAllTypesProto3

/// Speaks the public conformance protocol: each request and response is a message behind its length in four bytes,
/// little-endian, on standard input and output. The end of the input ends the program.
@main
struct Main {
    static func main() {
        while let frame = readFrame() {
            let response: Response
            do {
                response = answer(try Request(serialized: frame))
            } catch {
                response = Response(result: .runtimeError("the request is not a ConformanceRequest: \(error)"))
            }
            guard writeFrame(response.serialized(prefix: 4)) else { exit(1) }
        }
    }

    private static func readFrame() -> [UInt8]? {
        guard let header = readExactly(4) else { return nil }
        return readExactly(header.reversed().reduce(0) { $0 << 8 | Int($1) })
    }

    /// Memory grows with what arrives, whatever length was announced.
    private static func readExactly(_ count: Int) -> [UInt8]? {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: min(max(count, 1), 1 << 16))
        while bytes.count < count {
            let got = read(STDIN_FILENO, &chunk, min(chunk.count, count - bytes.count))
            if got < 0, errno == EINTR { continue }
            guard got > 0 else { return nil }
            bytes += chunk[..<got]
        }
        return bytes
    }

    private static func writeFrame(_ frame: [UInt8]) -> Bool {
        var frame = frame
        let count = UInt32(truncatingIfNeeded: frame.count - 4)
        for index in 0..<4 { frame[index] = UInt8(truncatingIfNeeded: count >> UInt32(index * 8)) }
        var rest = frame[...]
        while !rest.isEmpty {
            let written = rest.withUnsafeBytes { write(STDOUT_FILENO, $0.baseAddress, $0.count) }
            if written < 0, errno == EINTR { continue }
            guard written > 0 else { return false }
            rest = rest.dropFirst(written)
        }
        return true
    }
}
