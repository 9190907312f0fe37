import Glibc
import HTTP
import Loop
import Serving
import ServiceKit

/// `scorer predict PATH --input FILE`: the server for one request, on a socket that nobody else can reach.
///
/// The file is answered by the same code as a request over the network, so that the two cannot differ.
enum Predict {
    static func main(_ arguments: [String]) -> Never {
        var rest: [String] = []
        var input: String?
        var index = 0
        while index < arguments.count {
            let argument = arguments[index]
            index += 1
            if argument == "--input", index < arguments.count {
                input = arguments[index]
                index += 1
            } else if argument.hasPrefix("--input=") {
                input = String(argument.dropFirst("--input=".count))
            } else {
                rest.append(argument)
            }
        }
        guard let input else { refuse("predict needs --input with a file of JSON or CSV") }
        var template = Array("/tmp/scorer-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { refuse("no folder in /tmp: \(String(cString: strerror(errno)))") }
        let folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let socket = "\(folder)/socket"
        Serve.main(Serve.silent + rest + ["--listen=unix:\(socket)", "--quiet"]) { environment in
            let (parts, manager) = try Serve.parts(environment)
            let client = ClosureService("prediction") {
                defer {
                    unlink(socket)
                    rmdir(folder)
                }
                await manager.settle()
                try await ask(environment, manager, input, socket)
            }
            return parts + [client]
        }
    }

    private static func ask(
        _ environment: ServiceEnvironment<ScorerSettings>, _ manager: ModelManager, _ input: String, _ socket: String
    ) async throws {
        let models = manager.list()
        for model in models where model.state != .ready { Console.complain("\(model.name): \(model.reason)") }
        guard let model = models.first(where: { $0.state == .ready }) else {
            throw ConfigurationError(["no model could be loaded"])
        }
        let text = try TextFile.read(input)
        let isTable = input.hasSuffix(".csv")
        let summary = try manager.summary(of: ModelReference(name: model.name))
        // Tensors as the Open Inference Protocol writes them say their datatypes.
        let isTensors = !isTable && summary.interface == .tensors && text.contains("\"datatype\"")
        let path = isTensors ? "/v2/models/\(model.name)/infer" : "/invocations"
        let client = HTTPClient(loops: environment.loops, resolver: environment.pool)
        let head = RequestHead(
            method: .post, authority: "localhost", path: path,
            fields: ["content-type": isTable ? "text/csv" : "application/json"])
        let (status, answer) = try await client.execute(head, .bytes(Array(text.utf8)), address: .unix(path: socket)) {
            head, body in (head.status, try await body.collect(upTo: 1 << 30))
        }
        await client.close()
        let said = String(decoding: answer, as: UTF8.self)
        guard (200..<300).contains(status) else {
            Console.complain(said)
            throw ConfigurationError(["the model gave no answer: status \(status)"])
        }
        Console.say(said)
    }

    private static func refuse(_ reason: String) -> Never {
        Console.complain("scorer: \(reason)")
        exit(ServiceProgram.ExitCode.badConfiguration.rawValue)
    }
}
