import CLinux
import Glibc
import Testing

@testable import DeployerTargets

@Suite("Engines behind TLS", .serialized, .enabled(if: PrivateEngine.isPossible, "needs root and dockerd"))
struct EngineTLSTests {
    /// An authority, a certificate for 127.0.0.1 and one of a client, made anew.
    private static let commands = """
        set -e
        openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=authority -keyout ca.key -out ca.pem
        printf 'subjectAltName=IP:127.0.0.1\\nextendedKeyUsage=serverAuth\\n' >server.ext
        printf 'extendedKeyUsage=clientAuth\\n' >client.ext
        for name in server client; do
            openssl req -newkey rsa:2048 -nodes -subj /CN=$name -keyout $name.key -out $name.csr
            openssl x509 -req -in $name.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile $name.ext -out $name.pem
        done
        """

    private static func freePort() throws -> Int {
        let server = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(server) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var count = socklen_t(MemoryLayout<sockaddr_in>.size)
        let code = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(server, $0, count) == 0 ? getsockname(server, $0, &count) : -1
            }
        }
        try #require(code == 0)
        return Int(UInt16(bigEndian: address.sin_port))
    }

    @Test("an engine is used with our certificate, and neither without it nor with authorities that don't know it")
    func mutual() async throws {
        let folder = try TemporaryFolder()
        try #require(system("cd '\(folder.path)' && exec >log 2>&1; \(Self.commands)") == 0)
        func text(_ name: String) throws -> String {
            String(decoding: try Bytes.ofFile("\(folder.path)/\(name)"), as: UTF8.self)
        }
        let port = try Self.freePort()
        let engine = try PrivateEngine([
            "-H", "tcp://127.0.0.1:\(port)", "--tlsverify", "--tlscacert", "\(folder.path)/ca.pem", "--tlscert",
            "\(folder.path)/server.pem", "--tlskey", "\(folder.path)/server.key",
        ])
        defer { engine.close() }
        func check(_ certificates: EngineCertificates) async throws -> TargetFacts {
            let settings = DockerSettings(
                address: try EngineAddress("https://127.0.0.1:\(port)"), certificates: certificates, suite: "suite")
            return try await DockerTarget(settings, loops: TestLoops.loops.get(), resolver: TestLoops.pool.get())
                .check()
        }
        let (authorities, ours, key) = (try text("ca.pem"), try text("client.pem"), try text("client.key"))
        #expect(
            try await check(.init(authorities: authorities, certificate: ours, key: key)).version.hasPrefix("Docker"))
        let unknown = await #expect(throws: TargetError.self) { try await check(.init(authorities: authorities)) }
        #expect(unknown?.code == .unreachable)
        let doubted = await #expect(throws: TargetError.self) { try await check(.init(certificate: ours, key: key)) }
        #expect(doubted?.code == .unreachable)
        #expect(doubted?.message.contains("certificate") ?? false)
        let broken = await #expect(throws: TargetError.self) {
            try await check(.init(authorities: authorities, certificate: ours, key: "no key"))
        }
        #expect(broken?.code == .refused)
    }
}
