import CommandLineKit
import Contracts
import Testing

@testable import Slipway

@Suite("slipway score")
struct ScoreTests {
    private var script: FakeDeployer.Script {
        FakeDeployer.Script(
            deployment: FakeDeployer.deployment(), revisions: [.init(number: 1, models: ["churn:3"])])
    }

    private func run(
        _ line: [String], _ script: FakeDeployer.Script, _ variables: [String: String] = [:]
    ) async throws -> (run: CommandRun, deployer: FakeDeployer, scored: FakeDeployer.Scored?) {
        let deployer = try await FakeDeployer(script)
        let run = try await CommandRun(line, at: deployer.address, variables)
        await deployer.stop()
        return (run, deployer, deployer.scored.withLock { $0.first })
    }

    @Test("rows go to /score with the key that the deployer has, and the answer is written as it is")
    func rows() async throws {
        let (run, _, scored) = try await run(
            ["score", "churn", "--data", "{\"data\": [[1]]}", "--revision", "2", "--route", "ada", "-i"], script)
        #expect(run.failure == nil, "\(run.failure?.message ?? "")")
        #expect(run.output == "{\"predictions\": [1]}\n")
        #expect(run.errors == "HTTP 200, revision 2, request r-1\n")
        #expect(scored?.target == "/endpoints/default/churn/score" && scored?.body == "{\"data\": [[1]]}")
        #expect(scored?.fields["authorization"] == "Bearer first-key")
        #expect(scored?.fields["content-type"] == "application/json")
        #expect(scored?.fields["slipway-revision"] == "2" && scored?.fields["slipway-route"] == "ada")
    }

    @Test("tensors go to their model; a file of rows is what its ending says")
    func kinds() async throws {
        let tensors = "{\"inputs\": [{\"name\": \"x\", \"datatype\": \"FP32\", \"shape\": [1], \"data\": [1]}]}"
        let asked = try await run(["score", "churn", "--data", tensors], script).scored
        #expect(asked?.target == "/endpoints/default/churn/v2/models/churn/infer")
        let folder = try TemporaryFolder()
        try folder.write(["rows.csv": "a,b\n1,2\n"])
        let rows = try await run(["score", "churn", "--data", "@\(folder.path("rows.csv"))"], script).scored
        #expect(rows?.body == "a,b\n1,2\n" && rows?.fields["content-type"] == "text/csv")
    }

    @Test("a key of one's own is used, and the deployer is not asked for its")
    func ownKey() async throws {
        let flagged = try await run(["score", "churn", "--data", "1", "--key", "mine"], script)
        #expect(flagged.scored?.fields["authorization"] == "Bearer mine")
        #expect(flagged.deployer.asked(Slipway.Deployments.V1.ReadKeysRequest.self).isEmpty)
        let variable = try await run(["score", "churn", "--data", "1"], script, ["SLIPWAY_ENDPOINT_KEY": "its"])
        #expect(variable.scored?.fields["authorization"] == "Bearer its")
        var open = script
        open.deployment?.security = .init(authentication: Slipway.Deployments.V1.Security.Authentication.none)
        #expect(try await run(["score", "churn", "--data", "1"], open).scored?.fields["authorization"] == nil)
    }

    @Test(
        "a failure has the endpoint's words, the request's id and an exit code",
        arguments: [
            (400, .usage), (401, .denied), (404, .notFound), (429, .unreachable), (500, .failed),
            (503, .unreachable), (504, .unreachable),
        ] as [(Int, ExitCode)])
    func failures(_ status: Int, _ code: ExitCode) async throws {
        var script = script
        script.status = status
        script.answer = #"{"error": "the first line\nthe second"}"#
        script.fields = ["x-request-id": "r-2", "retry-after": "3"]
        let run = try await run(["score", "churn", "--data", "1"], script).run
        #expect(run.failure?.code == code && run.output.isEmpty)
        #expect(
            run.failure?.message
                == "the first line\nthe second\n(HTTP \(status), request r-2, try again in 3 s)")
    }

    @Test("as JSON the answer stands beside what is known of it")
    func json() async throws {
        let run = try await run(["score", "churn", "--data", "1", "--json"], script).run
        let document = try Document(parsing: run.output)
        #expect(document["requestId"]?.text == "r-1" && document["revision"]?.text == "2")
        #expect(document["answer"]?["predictions"] == .list([.number(1)]))
    }

    @Test("an endpoint that nobody serves, data that are not there, and an address that is none are told")
    func refused() async throws {
        let nobody = try await run(
            ["score", "churn", "--data", "1", "--key", "k", "--address", "http://127.0.0.1:1"], script
        ).run
        #expect(nobody.failure?.code == .unreachable)
        #expect(nobody.failure?.message.hasPrefix("cannot ask http://127.0.0.1:1: ") == true)
        #expect(try await run(["score", "churn", "--data", "@/nowhere"], script).run.failure?.code == .notFound)
        let odd = try await run(["score", "churn", "--data", "1", "--key", "k", "--address", "churn"], script).run
        #expect(odd.failure?.code == .usage)
        var asleep = script
        asleep.deployment = nil
        #expect(try await run(["score", "churn", "--data", "1"], asleep).run.failure?.code == .notFound)
    }

    @Test("an address has its parts, with and without a port or a path")
    func addresses() throws {
        let whole = try #require(EndpointAddress("https://churn.example.com:7443/endpoints/default/churn/"))
        #expect(whole.isSecure && whole.authority == "churn.example.com:7443")
        #expect(whole.path == "/endpoints/default/churn")
        #expect(EndpointAddress("http://churn.localhost:7080")?.path == "")
        for text in ["", "churn", "ftp://a/b", "http://", "http://a b/c", "http://u@h/c", "http://h/c?d"] {
            #expect(EndpointAddress(text) == nil, "\(text)")
        }
    }
}
