import Loop
import Testing

@testable import Postgres

@Suite struct HostAddressesTests {
    private typealias Place = HostAddresses.Place

    private func resolve(_ host: String) throws -> [String] {
        let known = ["one": ["10.0.0.1"], "two": ["10.0.0.2", "fd00::2"]]
        guard let addresses = known[host] else { throw PostgresError(.connection, "no \(host)") }
        return addresses
    }

    @Test("every name gets its addresses, in their order, with its own port and still under its name")
    func several() throws {
        let found = try HostAddresses(of: "postgresql://two:1,one:2/db", resolve: resolve)
        #expect(
            found?.places == [
                Place(host: "two", address: "10.0.0.2", port: "1"), Place(host: "two", address: "fd00::2", port: "1"),
                Place(host: "one", address: "10.0.0.1", port: "2"),
            ])
        let settings = try #require(found?.settings)
        #expect(settings.map(\.0) == ["host", "hostaddr", "port"])
        #expect(settings.map(\.1) == ["two,two,one", "10.0.0.2,fd00::2,10.0.0.1", "1,1,2"])
    }

    @Test("one port is for all; sockets and hosts with an address are left as they are")
    func mixed() throws {
        let sockets = try HostAddresses(of: "host=/run/x,one port=5", resolve: resolve)
        #expect(
            sockets?.places == [
                Place(host: "/run/x", address: "", port: "5"), Place(host: "one", address: "10.0.0.1", port: "5"),
            ])
        let given = try HostAddresses(of: "host=unknown,one hostaddr=10.9.9.9,", resolve: resolve)
        #expect(given?.places.map(\.address) == ["10.9.9.9", "10.0.0.1"])
        #expect(try HostAddresses(of: "host=/run/x", resolve: resolve) == nil)
        #expect(try HostAddresses(of: "dbname=x hostaddr=10.9.9.9", resolve: resolve) == nil)
        #expect(try HostAddresses(of: "host=one,two port=1,2,3", resolve: resolve) == nil)
    }

    @Test("a name that is not found is left out, and named where it was the last hope")
    func unknown() throws {
        let found = try HostAddresses(of: "host=nowhere,one port=5", resolve: resolve)
        #expect(found?.places == [Place(host: "one", address: "10.0.0.1", port: "5")])
        let error = try #require(throws: PostgresError.self) { try HostAddresses(of: "host=nowhere", resolve: resolve) }
        #expect(error.kind == .connection && error.message.contains("nowhere"))
    }

    @Test("the machine's own resolver knows localhost and says what it does not know")
    func system() throws {
        #expect(try HostAddresses.lookUp("localhost").contains { $0 == "127.0.0.1" || $0 == "::1" })
        #expect(try HostAddresses.lookUp("127.0.0.1") == ["127.0.0.1"])
        let error = try #require(throws: PostgresError.self) { try HostAddresses.lookUp("no-such-host.invalid") }
        #expect(error.kind == .connection && error.message.contains("no-such-host.invalid"))
    }
}
