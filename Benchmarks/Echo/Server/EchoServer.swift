import HTTP
import Loop
import ProgramKit
import RPC

/// Our side of the echo benchmark: one loop, as its peers use one thread.
@main
struct EchoServer {
    static func main() async {
        await Program.main {
            let flags = try Flags(known: ["port", "use_tls", "tls_cert_file", "tls_key_file", "loops"])
            let port = try flags.integer("port", default: 9000)
            let loops = try LoopGroup(count: flags.integer("loops", default: 1))
            var tls: TLSContext?
            if try flags.boolean("use_tls") {
                let files = TLSConfiguration(
                    certificateFile: flags.string("tls_cert_file"), keyFile: flags.string("tls_key_file"))
                tls = try TLSContext(files, role: .server)
            }
            let server = HTTPServer(
                endpoints: [.init(.tcp(host: "127.0.0.1", port: port), tls: tls)], loops: loops,
                handler: RPCServer(services: [Echo()]))
            Program.holdSignals()
            try loops.start()
            try await server.start()
            Program.say("listening on \(server.addresses[0])")
            await Program.untilSignalled()
            await server.shutdown(grace: .seconds(1))
        }
    }
}

private struct Echo: Bench.Echo.SimpleService {
    func unary(_ request: Bench.EchoMessage, context: ServerContext) async throws -> Bench.EchoMessage { request }
}
