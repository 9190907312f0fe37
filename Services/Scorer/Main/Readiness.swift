import Glibc
import HTTP
import ServiceKit

/// `scorer ready`: asks the scorer of the same settings whether it is ready, for containers that have no other program to
/// ask with.
enum Readiness {
    static func main(_ arguments: [String]) -> Never {
        Serve.main(Serve.silent + arguments) { environment in
            [
                ClosureService("question") {
                    let reason = await refusal(environment)
                    if let reason { Console.complain("not ready: \(reason)") }
                    exit(
                        reason == nil ? ServiceProgram.ExitCode.done.rawValue : ServiceProgram.ExitCode.failed.rawValue)
                }
            ]
        }
    }

    /// Nil where it is ready.
    private static func refusal(_ environment: ServiceEnvironment<ScorerSettings>) async -> String? {
        do {
            let settings = environment.settings
            let address = reachable(try Serve.address(settings))
            var configuration = HTTPClient.Configuration()
            let isSecure = !settings.tls.certificate.isEmpty
            if isSecure {
                // It is asked for by its address, which no certificate names; where callers must prove themselves it is
                // asked by itself.
                var tls = TLSConfiguration(certificateFile: settings.tls.certificate, keyFile: settings.tls.key)
                tls.verifiesServer = false
                configuration.tls = try TLSContext(tls, role: .client)
            }
            let client = HTTPClient(
                loops: environment.loops, resolver: environment.pool, configuration: configuration)
            let request = RequestHead(
                method: .get, scheme: isSecure ? "https" : "http", authority: "localhost", path: "/readyz")
            return try await client.execute(request, address: address, deadline: .seconds(4)) { head, body in
                let text = try await body.collect(upTo: 1 << 16)
                return head.status == 200 ? nil : String(decoding: text, as: UTF8.self)
            }
        } catch {
            return "\(error)"
        }
    }

    /// Where a server that listens on every address is reached.
    private static func reachable(_ address: SocketAddress) -> SocketAddress {
        switch address {
        case .tcp("0.0.0.0", let port): .tcp(host: "127.0.0.1", port: port)
        case .tcp("::", let port): .tcp(host: "::1", port: port)
        default: address
        }
    }
}
