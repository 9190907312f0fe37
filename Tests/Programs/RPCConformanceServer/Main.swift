import Glibc
import HTTP
import Loop
import ProgramKit
import Protobuf
import RPC
import TestContracts

/// The server under test of the ConnectRPC conformance suite: reads how to listen from standard input, tells where it
/// does on standard output, and serves until it is signalled.
@main
struct RPCConformanceServer {
    static func main() async {
        await Program.main {
            let request = try Conformance.ServerCompatRequest(serialized: try SizedMessages.read() ?? [])
            var configuration = RPCServerConfiguration()
            configuration.files = [Conformance.serviceFile]
            if request.messageReceiveLimit > 0 { configuration.messageBytes = Int(request.messageReceiveLimit) }
            let folder = try TemporaryFolder()
            defer { folder.remove() }
            let tls = try request.useTls ? makeTLS(request, folder) : nil
            let loops = try LoopGroup()
            let server = HTTPServer(
                endpoints: [.init(.tcp(host: "127.0.0.1", port: 0), tls: tls)], loops: loops,
                handler: RPCServer(services: [ConformanceHandler()], configuration: configuration))
            Program.holdSignals()
            try loops.start()
            try await server.start()
            var response = Conformance.ServerCompatResponse()
            response.host = "127.0.0.1"
            if case .tcp(_, let port) = server.addresses[0] { response.port = UInt32(port) }
            if request.useTls { response.pemCert = request.serverCreds?.cert ?? [] }
            try SizedMessages.write(response.serialized())
            await Program.untilSignalled()
            await server.shutdown(grace: .seconds(1))
        }
    }

    private static func makeTLS(
        _ request: Conformance.ServerCompatRequest, _ folder: TemporaryFolder
    ) throws -> TLSContext {
        guard let credentials = request.serverCreds, !credentials.cert.isEmpty else {
            throw FlagError("TLS was asked for without server_creds, and this server brings no certificate of its own")
        }
        var files = TLSConfiguration(
            certificateFile: try folder.write("server.pem", credentials.cert),
            keyFile: try folder.write("server.key", credentials.key))
        if !request.clientTlsCert.isEmpty {
            files.authorityFile = try folder.write("client.pem", request.clientTlsCert)
        }
        return try TLSContext(files, role: .server)
    }
}
