import DeployerTargets
import HTTP
import Loop

/// Answers as an engine would, or as none should.
final class StrangeEngine: Sendable {
    enum Manner: Sendable {
        case says(Int, String)
        /// Announces more than comes.
        case breaksOff(String)
        case hangs
    }

    let folder: TemporaryFolder
    private let server: HTTPServer
    let address: String

    /// - Parameter manners: by the end of a path; what is not there is a 404.
    init(version: String = "1.41", _ manners: [String: Manner]) async throws {
        folder = try TemporaryFolder()
        address = "unix://\(folder.path)/s.sock"
        var manners = manners
        if manners["/version"] == nil {
            manners["/version"] = .says(
                200,
                #"{"ApiVersion":"\#(version)","MinAPIVersion":"1.12","Version":"20.10","Os":"linux","Arch":"amd64"}"#)
        }
        let known = manners
        server = HTTPServer(
            endpoints: [.init(.unix(path: "\(folder.path)/s.sock"))], loops: try TestLoops.loops.get(),
            handler: AsyncHandler { request, responder in
                struct BrokenOff: Error {}
                let path = request.head.path
                guard let manner = known.first(where: { path.hasSuffix($0.key) })?.value else {
                    return try await responder.respond(404, [:], Array(#"{"message":"page not found"}"#.utf8))
                }
                switch manner {
                case .says(let status, let text): try await responder.respond(status, [:], Array(text.utf8))
                case .breaksOff(let text):
                    try await responder.send(
                        ResponseHead(status: 200, fields: ["content-length": "\(text.utf8.count + 100)"]))
                    try await responder.write(Array(text.utf8))
                    throw BrokenOff()
                case .hangs: try await Task.sleep(for: .seconds(3600))
                }
            })
        try await server.start()
    }

    func target(patience: Duration = .seconds(60)) throws -> DockerTarget {
        var settings = DockerSettings(address: try EngineAddress(address), suite: "suite")
        settings.patience = patience
        return try DockerTarget(settings, loops: TestLoops.loops.get(), resolver: TestLoops.pool.get())
    }

    func close() async { await server.shutdown(grace: .zero) }
}
