import Glibc
import Loop
import Testing

@testable import Postgres

@Suite struct EncryptionTests {
    @Test("TLS is set in the connection string; a server with another name is refused; large results come whole")
    func encrypted() async throws {
        let cluster = try await TestDatabase.temporaryCluster()
        try await cluster.stop()
        let folder = cluster.configuration.folder
        let data = folder + "/postgres"
        let user = try ServerUser.current()
        let certificate = try user.run(
            "openssl",
            [
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", data + "/server.key",
                "-out", data + "/server.crt",
            ])
        try #require(certificate.isSuccess, "\(certificate.output)")
        let port = try freePort()
        let start = try user.run(
            try PostgresBinaries.find().folder + "/pg_ctl",
            [
                "start", "-D", data, "-w", "-s", "-l", data + "/server.log", "-o",
                "-c ssl=on -c listen_addresses=127.0.0.1 -c port=\(port) -c unix_socket_directories='' -c fsync=off",
            ])
        try #require(start.isSuccess, "\(start.output)")
        // The root certificate must be readable for us; root reads everything, and otherwise we are the server's user.
        let place = "hostaddr=127.0.0.1 port=\(port) user=slipway dbname=slipway sslrootcert=\(data)/server.crt"
        let pool = PostgresPool(
            PostgresConfiguration(connection: place + " host=localhost sslmode=verify-full"),
            loops: [TestDatabase.loops.loops[0]])
        let used = try await pool.query("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
        #expect(try used.all(Bool.self) == [true])
        // Larger than a record of TLS and than every buffer on the way.
        let large = try await pool.query("SELECT repeat('x', 3000000) FROM generate_series(1, 3)").all(String.self)
        #expect(large.map(\.utf8.count) == [3_000_000, 3_000_000, 3_000_000])
        let sum = try await pool.stream("SELECT i::int8, repeat('x', 300) FROM generate_series(1, 20000) AS i") {
            rows in
            var sum = 0
            for try await (value, _) in rows.decode((Int, String).self) { sum += value }
            return sum
        }
        #expect(sum == 20_000 * 20_001 / 2)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for index in 0..<300 {
                group.addTask {
                    let read = try await pool.read("SELECT \(index), repeat('x', 2000)").all((Int, String).self)
                    #expect(read.first?.0 == index)
                }
            }
            try await group.waitForAll()
        }
        let wrong = try await #require(throws: PostgresError.self) {
            try await PostgresConnection.connect(
                PostgresConfiguration(connection: place + " host=elsewhere sslmode=verify-full"),
                on: TestDatabase.loops.loops[0])
        }
        #expect(wrong.kind == .connection && wrong.message.contains("elsewhere"))
        // Names are looked up before libpq is asked; what it holds the certificate against is still the name. The first
        // host refuses, the second is unknown, the third is right.
        let hosts = "user=slipway dbname=slipway sslrootcert=\(data)/server.crt sslmode=verify-full"
        let nobody = try freePort()
        let third = try await PostgresConnection.connect(
            PostgresConfiguration(
                connection: "\(hosts) host=localhost,no-such-host.invalid,localhost port=\(nobody),\(port),\(port)"),
            on: TestDatabase.loops.loops[0])
        #expect(try await third.query("SELECT 1::int8").all(Int.self) == [1])
        third.close()
        let byAddress = try await #require(throws: PostgresError.self) {
            try await PostgresConnection.connect(
                PostgresConfiguration(connection: "\(hosts) host=127.0.0.1 port=\(port)"),
                on: TestDatabase.loops.loops[0])
        }
        #expect(byAddress.message.contains("127.0.0.1"))
        await pool.close()
        try await cluster.stop()
    }

    private func freePort() throws -> UInt16 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                _ = bind(descriptor, $0, size)
                _ = getsockname(descriptor, $0, &size)
            }
        }
        return UInt16(bigEndian: address.sin_port)
    }
}
