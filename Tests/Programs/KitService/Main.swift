import HTTP
import Loop
import RPC
import ServiceKit

/// The smallest whole service, for the tests of the kit.
@main
struct KitService {
    struct Settings: ConfigurationSection {
        var address = "127.0.0.1:0"
        var password = Secret("")
        var hang = false
        var service = KitSettings()
        static func describe(_ keys: inout ConfigurationKeys<Settings>) {
            keys.add("address", \.address, "where calls are taken")
            keys.add("password", \.password, "of nothing")
            keys.add("hang", \.hang, "do not stop when asked")
            keys.add("service", \.service)
        }
    }

    struct BadAddress: Error, CustomStringConvertible {
        let description: String
    }

    static func main() {
        let build = BuildInformation(service: "kit-service", version: "0.1.0")
        ServiceProgram.main(build, settings: Settings.self, kit: \.service) { environment in
            guard let address = SocketAddress(environment.settings.address) else {
                throw BadAddress(description: "\(environment.settings.address) is no address")
            }
            let health = HealthService()
            environment.health.drive(health)
            let part = environment.health.part("server")
            let rpc = RPCServer(
                services: [health],
                interceptors: [
                    ServerTracing(environment.tracer),
                    CallTelemetry(environment.metrics, logger: environment.logger),
                ],
                fallback: try OperationsRoutes.handler(
                    health: environment.health, metrics: environment.metrics, build: environment.build))
            let logger = environment.logger
            let server = HTTPServer(endpoints: [.init(address)], loops: environment.loops, handler: rpc)
            let password = environment.settings.password
            let hangs = environment.settings.hang
            return [
                HTTPServerService("server", server) { addresses in
                    part.ready()
                    logger.notice(
                        "listening", ["address": .string(addresses.map(\.description).joined(separator: ", "))])
                    logger.info("careless: \(password.reveal())")
                },
                ClosureService("worker") {
                    if hangs { try await EventLoop.current?.sleep(for: .seconds(3600)) }
                    try await StopSignal.wait()
                },
            ]
        }
    }
}
