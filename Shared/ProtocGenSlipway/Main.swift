internal import Glibc
internal import Protobuf

/// The protoc plugin: a `CodeGeneratorRequest` on standard input, a `CodeGeneratorResponse` on standard output. What is
/// wrong with the proto files goes into the response, as the plugin protocol asks; what is wrong with the plugin's own
/// surroundings goes to standard error.
@main
struct Main {
    static func main() {
        do {
            let request = try Google.Protobuf.Compiler.CodeGeneratorRequest(serialized: try readAll())
            try writeAll(respond(to: request).serialized())
        } catch {
            try? writeAll(Array("protoc-gen-slipway: \(error)\n".utf8), to: STDERR_FILENO)
            exit(1)
        }
    }

    static func respond(
        to request: Google.Protobuf.Compiler.CodeGeneratorRequest
    ) -> Google.Protobuf.Compiler.CodeGeneratorResponse {
        var response = Google.Protobuf.Compiler.CodeGeneratorResponse()
        // FEATURE_PROTO3_OPTIONAL
        response.supportedFeatures = 1
        do {
            let options = try Options(parameter: request.parameter ?? "")
            let schema = try Schema(request, options: options)
            for (name, text) in try Generator(schema: schema, options: options).files() {
                var file = Google.Protobuf.Compiler.CodeGeneratorResponse.File()
                file.name = name
                file.content = text
                response.file.append(file)
            }
        } catch {
            response.file = []
            response.error = "\(error)"
        }
        return response
    }

    private static func readAll() throws -> [UInt8] {
        var input: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = read(STDIN_FILENO, &chunk, chunk.count)
            if count == 0 { return input }
            guard count > 0 else {
                if errno == EINTR { continue }
                throw GeneratorError("cannot read the request: error \(errno)")
            }
            input += chunk[..<count]
        }
    }

    private static func writeAll(_ bytes: [UInt8], to descriptor: Int32 = STDOUT_FILENO) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else {
                if errno == EINTR { continue }
                throw GeneratorError("cannot write: error \(errno)")
            }
            rest = rest.dropFirst(count)
        }
    }
}

/// Why nothing is generated, in words for whoever wrote the proto file or called protoc.
struct GeneratorError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
