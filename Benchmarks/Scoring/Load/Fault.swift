import Glibc
import HTTP
import InferenceContracts
import RPC

/// Requests that a server has to refuse, and callers that go away.
enum Fault {
    static func shots(_ question: Question) -> [Shot] {
        let raw = question.raw
        var wrongShape = raw
        wrongShape.inputs[0].shape = [Int64(question.rows), Int64(question.tensor.columns + 1)]
        var unknown = raw
        unknown.modelName = "nobody"
        let infer = "/v2/models/\(question.tensor.model)/infer"
        return [
            refused("gRPC wrong shape", wrongShape, .invalidArgument),
            refused("gRPC unknown model", unknown, .notFound),
            refused("JSON cut short", infer, "{\"inputs\":[{\"name\":"),
            refused("JSON with no inputs", infer, "{\"inputs\":[]}"),
            refused("unknown model", "/v2/models/nobody/infer", "{\"inputs\":[]}"),
            refused("/score of words", "/score", "{\"data\":[[\"a\",\"b\"]]}"),
            Shot(kind: "cancelled") { target in
                let method = Inference.GRPCInferenceService.Methods.modelInfer.method
                // Whoever leaves a call before its answer resets the stream.
                try await target.channel.withCall(ClientRequest(method: method)) { try await $0.sendOnly(raw) }
            },
            Shot(kind: "broken off") { try breakOff($0.port, infer) },
        ]
    }

    private static func refused(_ kind: String, _ request: Inference.ModelInferRequest, _ code: RPCCode) -> Shot {
        Shot(kind: kind) { target in
            do { _ = try await target.inference.modelInfer(request) } catch let error as RPCError
                where error.code == code
            {
                return
            }
            throw Mismatch("it was answered")
        }
    }

    private static func refused(_ kind: String, _ path: String, _ text: String) -> Shot {
        Shot(kind: kind) { target in
            let (status, body) = try await target.post(path, ["content-type": "application/json"], Array(text.utf8))
            guard (400..<500).contains(status) else {
                throw Mismatch("\(status) \(String(decoding: body.prefix(200), as: UTF8.self))")
            }
        }
    }

    /// Half a request, and a connection that ends without a word.
    private static func breakOff(_ port: Int, _ path: String) throws {
        let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard socket >= 0 else { throw Mismatch("no socket: \(errno)") }
        defer { close(socket) }
        var abrupt = linger(l_onoff: 1, l_linger: 0)
        setsockopt(socket, SOL_SOCKET, SO_LINGER, &abrupt, socklen_t(MemoryLayout<linger>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(truncatingIfNeeded: port).bigEndian
        address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
        let connected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard connected == 0 else { throw Mismatch("no connection: \(errno)") }
        let text = "POST \(path) HTTP/1.1\r\nhost: localhost\r\ncontent-length: 5000\r\n\r\n{\"inputs\":[{"
        _ = text.withCString { send(socket, $0, strlen($0), Int32(MSG_NOSIGNAL)) }
    }
}
