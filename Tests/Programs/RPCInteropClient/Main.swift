import HTTP
import Loop
import ProgramKit
import RPC
import TestContracts

/// The client of the public gRPC interop tests, on our stack; with `--fetch` a small HTTP/2 client.
@main
struct RPCInteropClient {
    static func main() async {
        await Program.main {
            let flags = try Flags(known: [
                "server_host", "server_port", "test_case", "use_tls", "ca_file", "server_host_override", "fetch",
            ])
            let loops = try LoopGroup(count: 1)
            try loops.start()
            if let url = flags.string("fetch") {
                try await Fetch(loops: loops, authorityFile: flags.string("ca_file")).run(url)
            } else {
                try await test(flags, loops)
            }
            loops.stop()
        }
    }

    private static func test(_ flags: Flags, _ loops: LoopGroup) async throws {
        var configuration = ChannelConfiguration()
        let name = flags.string("server_host_override").flatMap { $0.isEmpty ? nil : $0 }
        let port = try flags.integer("server_port", default: 10000)
        if try flags.boolean("use_tls") {
            var files = TLSConfiguration(authorityFile: flags.string("ca_file"))
            files.serverName = name
            configuration.tls = try TLSContext(files, role: .client)
        }
        configuration.authority = name.map { "\($0):\(port)" }
        let channel = NetworkChannel(
            .tcp(host: flags.string("server_host") ?? "localhost", port: port), loops: loops,
            configuration: configuration)
        let cases = InteropCases(channel: channel)
        let wanted = flags.string("test_case") ?? "all"
        let chosen = InteropCases.all.filter { wanted == "all" || $0.name == wanted }
        guard !chosen.isEmpty else {
            throw FlagError("no case \"\(wanted)\"; known are \(InteropCases.all.map(\.name).joined(separator: ", "))")
        }
        var failures = 0
        for (name, run) in chosen {
            do {
                try await run(cases)
                Program.say("\(name): passed")
            } catch {
                failures += 1
                Program.say("\(name): FAILED: \(error)")
            }
        }
        await channel.close(grace: .seconds(1))
        guard failures == 0 else { throw FlagError("\(failures) of \(chosen.count) cases failed") }
    }
}
