import Glibc
import HTTP
import Loop
import ProgramKit
import RPC
import TestContracts

/// The server of the public gRPC interop tests, on our stack: gRPC, Connect, reflection, health, and `/echo` for HTTP
/// tools, all on one port.
@main
struct RPCInteropServer {
    static func main() async {
        await Program.main {
            let flags = try Flags(known: [
                "port", "host", "use_tls", "tls_cert_file", "tls_key_file", "tls_ca_file", "loops",
            ])
            let loops = try LoopGroup(count: flags.string("loops").flatMap(Int.init))
            var tls: TLSContext?
            if try flags.boolean("use_tls") {
                tls = try TLSContext(
                    TLSConfiguration(
                        certificateFile: flags.string("tls_cert_file"), keyFile: flags.string("tls_key_file"),
                        authorityFile: flags.string("tls_ca_file")), role: .server)
            }
            let plain = PlainRoutes()
            let health = HealthService()
            health.set(.serving, for: Grpc.Testing.TestService.descriptor.fullName)
            let reflection = ReflectionService(services: [
                Grpc.Testing.TestService.descriptor, Grpc.Health.V1.Health.descriptor,
            ])
            let rpc = RPCServer(services: [TestServiceHandler(), health, reflection], fallback: plain)
            let host = flags.string("host") ?? "0.0.0.0"
            let server = HTTPServer(
                endpoints: [.init(.tcp(host: host, port: try flags.integer("port", default: 10000)), tls: tls)],
                loops: loops, handler: rpc)
            plain.serveCounters { await Counters.json(server, rpc, loops) }
            Program.holdSignals()
            try loops.start()
            try await server.start()
            Program.say("listening on \(server.addresses.map(\.description).joined(separator: ", "))")
            await Program.untilSignalled()
            health.stopServing()
            await server.shutdown(grace: .seconds(5))
        }
    }
}

/// What the process holds, counted by itself.
enum Counters {
    static func json(_ server: HTTPServer, _ rpc: RPCServer, _ loops: LoopGroup) async -> String {
        var channels = 0
        var timers = 0
        for loop in loops.loops {
            let counts = try? await loop.submit { (loop.counts.channels, loop.counts.timers) }
            channels += counts?.0 ?? 0
            timers += counts?.1 ?? 0
        }
        let statistics = server.statistics
        return """
            {"connections":\(statistics.openConnections),"streams":\(statistics.openStreams),\
            "tasks":\(rpc.callsInFlight),"timers":\(timers),"channels":\(channels),"descriptors":\(descriptors),\
            "rss_bytes":\(residentBytes),"calls":\(rpc.callsEver),"connections_ever":\(statistics.totalConnections)}
            """
    }

    private static var descriptors: Int {
        guard let folder = opendir("/proc/self/fd") else { return -1 }
        defer { closedir(folder) }
        var count = 0
        while readdir(folder) != nil { count += 1 }
        // Not counted: ".", ".." and the folder itself.
        return count - 3
    }

    private static var residentBytes: Int {
        guard let file = fopen("/proc/self/statm", "r") else { return -1 }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 256)
        guard fgets(&line, Int32(line.count), file) != nil else { return -1 }
        let text = line.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
        let pages = text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
        return pages * Int(sysconf(Int32(_SC_PAGESIZE)))
    }
}
