import DeployerTargets
import Glibc
import Testing

@Suite("Engines that do not answer as they should")
struct StrangeEngineTests {
    private func failure(
        _ manners: [String: StrangeEngine.Manner], version: String = "1.41", patience: Duration = .seconds(60),
        _ body: (DockerTarget) async throws -> Void
    ) async throws -> TargetError? {
        let engine = try await StrangeEngine(version: version, manners)
        var failure: TargetError?
        do { try await body(try engine.target(patience: patience)) } catch let error as TargetError { failure = error }
        await engine.close()
        return failure
    }

    @Test("an engine that hangs is unreachable, and not one without replicas")
    func hanging() async throws {
        for path in ["/version", "/containers/json"] {
            let error = try await failure([path: .hangs], patience: .milliseconds(300)) { _ = try await $0.observe() }
            #expect(error?.code == .unreachable)
            #expect(error?.message.contains("did not answer within") ?? false)
        }
    }

    @Test("a list that is cut off is unreachable")
    func cut() async throws {
        let error = try await failure(["/containers/json": .breaksOff("[")]) { _ = try await $0.observe() }
        #expect(error?.code == .unreachable)
    }

    @Test(
        "a list that is none fails", arguments: ["", "[", "{}", "null", "<html>", "[{\"Id\": 1e999}]", "[[[["])
    func garbage(_ text: String) async throws {
        let error = try await failure(["/containers/json": .says(200, text)]) { _ = try await $0.observe() }
        #expect(error?.code == .failed, "\(text)")
    }

    @Test("containers of others, and what is missing of ours, are passed over")
    func others() async throws {
        let list = """
            [{"Id":"1","Names":["/other"],"State":"running","Labels":null},7,{},
             {"Id":"2","Names":["/slipway-a"],"State":"running","Created":7,
              "Labels":{"dev.slipway.suite":"suite","dev.slipway.replica":"a"}},
             {"Id":"3","Names":["/slipway-b"],"State":"running","Created":7,"Ports":[{"PrivatePort":8080,"PublicPort":1e9}],
              "Labels":{"dev.slipway.suite":"suite","dev.slipway.replica":"b","dev.slipway.workspace":"w",
              "dev.slipway.deployment":"d","dev.slipway.deployment-id":"1","dev.slipway.revision":"2","dev.slipway.port":"8080"}}]
            """
        let error = try await failure(["/containers/json": .says(200, list)]) { target in
            let seen = try await target.observe()
            #expect(seen.map(\.id) == ["b"])
            #expect(seen.first?.address == nil)
        }
        #expect(error == nil)
    }

    @Test("the engine's own words are in the error")
    func words() async throws {
        let said = StrangeEngine.Manner.says(500, #"{"message":"the disk is on fire"}"#)
        let error = try await failure(["/containers/json": said]) { _ = try await $0.observe() }
        #expect(error?.code == .failed)
        #expect(error?.message.contains("the disk is on fire") ?? false)
        #expect(error?.message.contains("500") ?? false)
    }

    @Test("an engine that is too old says which version is needed")
    func old() async throws {
        let error = try await failure([:], version: "1.38") { _ = try await $0.check() }
        #expect(error?.code == .refused)
        #expect(error?.message.contains("1.40") ?? false)
    }

    @Test("a socket that is not there, is a file, or that nobody listens at is said to be so")
    func sockets() async throws {
        let folder = try TemporaryFolder()
        func words(_ name: String) async throws -> String {
            let target = try TestLoops.docker("unix://\(folder.path)/\(name)", suite: "suite")
            do { _ = try await target.check() } catch {
                #expect(error.code == .unreachable)
                return error.message
            }
            return try #require(nil)
        }
        #expect(try await words("absent").contains("there is no such file"))
        close(open("\(folder.path)/file", O_CREAT | O_WRONLY, 0o600))
        #expect(try await words("file").contains("no socket"))
        let engine = try await StrangeEngine([:])
        await engine.close()
        #expect(try await words("absent/er").contains("absent/er"))
    }
}
