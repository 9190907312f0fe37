import Contracts
import Glibc
import Testing

@testable import DeployerRouterSource

@Suite("The file of routes")
struct RouteFileTests {
    private let path = "/tmp/slipway-routes-\(getpid())-\(UInt64.random(in: 0 ... .max))"

    @Test("routes are read as they were written, and nobody else may read them")
    func returns() throws {
        defer { unlink(path) }
        let file = RouteFile(path: path)
        #expect(try file.read() == nil)
        let routes = (1...50).map { Route.sample(number: $0, [1: ["127.0.0.1:\($0)"]]) }
        try file.write(routes)
        #expect(try file.read() == routes)
        var facts = stat()
        stat(path, &facts)
        #expect(facts.st_mode & 0o777 == 0o600)
        try file.write([])
        #expect(try file.read() == [])
    }

    @Test("a damaged or shortened file is refused")
    func damage() throws {
        defer { unlink(path) }
        let file = RouteFile(path: path)
        try file.write([.sample([1: ["127.0.0.1:1"]])])
        let descriptor = open(path, O_RDWR)
        defer { close(descriptor) }
        var byte: UInt8 = 0xff
        #expect(pwrite(descriptor, &byte, 1, 30) == 1)
        #expect(throws: RouteFile.Damage.self) { try file.read() }
        #expect(ftruncate(descriptor, 20) == 0)
        #expect(throws: RouteFile.Damage.self) { try file.read() }
    }
}
