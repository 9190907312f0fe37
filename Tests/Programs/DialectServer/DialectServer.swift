import Access
import Glibc
import HTTP
import Loop
import RPC
import ScorerCore
import ScorerFakes
import Serving
import ServiceKit

/// Every dialect of scoring over models that are closures: what clients of the dialects are tried against without any
/// framework. Prints its address. `--time` measures instead what a request costs in process.
@main
struct DialectServer {
    static func main() async throws {
        if CommandLine.arguments.contains("--time") { return try await Timing.run() }
        var models = Datatype.allCases.map { Models.echo($0) }
        models += [Models.iris(), Models.mixed(), Models.script()]
        let serving = FakeServing(models)
        serving.refuseLoads()
        var settings = ScoringSettings()
        settings.model = "iris"
        let point = ScoringPoint(
            serving, settings: settings, build: BuildInformation(service: "dialect-server", version: "1"))
        let access = AccessControl(open: everybody)
        let offer = try ScorerOffer(point, access: access)
        let health = HealthService()
        let loops = try LoopGroup(count: 1)
        try loops.start()
        let reflection = ReflectionService(services: offer.descriptors + [Grpc.Health.V1.Health.descriptor])
        let server = HTTPServer(
            endpoints: [.init(.tcp(host: "127.0.0.1", port: 0))], loops: loops,
            handler: offer.server(access, more: [health, reflection]))
        try await server.start()
        let line = Array("listening on \(server.addresses[0])\n".utf8)
        _ = write(STDOUT_FILENO, line, line.count)
        try await StopSignal.wait()
    }

    static var everybody: Grants {
        Grants(
            principal: Principal(id: EntityID(derivedFrom: "everybody"), kind: .person, name: "everybody"),
            isAdministrator: false,
            memberships: [Membership(Workspace(id: EntityID(derivedFrom: "default"), name: "default"), .owner)])
    }
}
