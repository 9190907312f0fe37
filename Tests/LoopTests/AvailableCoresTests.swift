import Glibc
import Testing

@testable import Loop

@Suite("Cores that may be used")
struct AvailableCoresTests {
    @Test("there is one at least, and no more than the machine has")
    func bounds() {
        #expect(AvailableCores.count >= 1)
        #expect(AvailableCores.count <= sysconf(Int32(_SC_NPROCESSORS_ONLN)))
    }

    @Test(
        "a container's share of time is rounded up, and no share is none",
        arguments: [("150000 100000", 2), ("50000 100000", 1), ("max 100000", nil), ("", nil), ("-1 0", nil)]
            as [(String, Int?)])
    func share(text: String, cores: Int?) throws {
        var name = Array("/tmp/slipway-cores-XXXXXX".utf8CString)
        let descriptor = mkstemp(&name)
        defer { unlink(name) }
        _ = text.withCString { write(descriptor, $0, strlen($0)) }
        close(descriptor)
        let path = String(decoding: name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        #expect(AvailableCores.share(at: path) == cores)
        #expect(AvailableCores.share(at: path + "-not-there") == nil)
    }
}
