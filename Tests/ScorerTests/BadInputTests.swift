import HTTP
import InferenceContracts
import Protobuf
import RPC
import ScorerFakes
import Serving
import Testing

@testable import ScorerCore

/// A request that is wrong in one way, in the forms of the dialects, and what comes of it.
private struct BadRequest: CustomTestStringConvertible, Sendable {
    var name: String
    var code: RPCCode
    var status: Int
    /// A part of the message.
    var part: String
    var grpc: @Sendable (inout Inference.ModelInferRequest) -> Void = { _ in }
    /// The REST form, where the same can be said there.
    var path = "/v2/models/echo-fp32/infer"
    var json: String?
    var testDescription: String { name }
}

private let good = #"{"inputs":[{"name":"x","datatype":"FP32","shape":[1,4],"data":[1,2,3,4]}]}"#

private let cases: [BadRequest] = [
    BadRequest(
        name: "unknown model", code: .notFound, status: 404, part: "nobody", grpc: { $0.modelName = "nobody" },
        path: "/v2/models/nobody/infer", json: good),
    BadRequest(
        name: "unknown version", code: .notFound, status: 404, part: "version", grpc: { $0.modelVersion = "7" },
        path: "/v2/models/echo-fp32/versions/7/infer", json: good),
    BadRequest(
        name: "version that is no number", code: .notFound, status: 404, part: "positive",
        grpc: { $0.modelVersion = "new" }, path: "/v2/models/echo-fp32/versions/new/infer", json: good),
    BadRequest(
        name: "no model", code: .invalidArgument, status: 400, part: "names no model", grpc: { $0.modelName = "" }),
    BadRequest(
        name: "unknown datatype", code: .invalidArgument, status: 400, part: "FLOAT",
        grpc: { $0.inputs[0].datatype = "FLOAT" },
        json: #"{"inputs":[{"name":"x","datatype":"FLOAT","shape":[1,4],"data":[1,2,3,4]}]}"#),
    BadRequest(
        name: "wrong datatype", code: .invalidArgument, status: 400, part: "FP32",
        grpc: { $0.inputs[0].datatype = "INT32" },
        json: #"{"inputs":[{"name":"x","datatype":"INT32","shape":[1,4],"data":[1,2,3,4]}]}"#),
    BadRequest(
        name: "wrong shape", code: .invalidArgument, status: 400, part: "shape", grpc: { $0.inputs[0].shape = [2, 2] },
        json: #"{"inputs":[{"name":"x","datatype":"FP32","shape":[2,2],"data":[1,2,3,4]}]}"#),
    BadRequest(
        name: "negative dimension", code: .invalidArgument, status: 400, part: "dimension",
        grpc: { $0.inputs[0].shape = [-1, 4] },
        json: #"{"inputs":[{"name":"x","datatype":"FP32","shape":[-1,4],"data":[1,2,3,4]}]}"#),
    BadRequest(
        name: "too few elements", code: .invalidArgument, status: 400, part: "x",
        grpc: { $0.rawInputContents[0] = $0.rawInputContents[0].dropLast(4) },
        json: #"{"inputs":[{"name":"x","datatype":"FP32","shape":[1,4],"data":[1,2,3]}]}"#),
    BadRequest(
        name: "missing input", code: .invalidArgument, status: 400, part: "missing",
        grpc: {
            $0.inputs = []
            $0.rawInputContents = []
        }, json: #"{"inputs":[]}"#),
    BadRequest(
        name: "extra input", code: .invalidArgument, status: 400, part: "'z'",
        grpc: {
            $0.inputs.append($0.inputs[0])
            $0.inputs[1].name = "z"
            $0.rawInputContents.append($0.rawInputContents[0])
        },
        json:
            #"{"inputs":[{"name":"x","datatype":"FP32","shape":[1,4],"data":[1,2,3,4]},{"name":"z","datatype":"FP32","shape":[1],"data":[1]}]}"#
    ),
    BadRequest(
        name: "unknown output", code: .invalidArgument, status: 400, part: "'q'",
        grpc: { $0.outputs = [.init(name: "q")] },
        json: #"{"outputs":[{"name":"q"}],"inputs":[{"name":"x","datatype":"FP32","shape":[1,4],"data":[1,2,3,4]}]}"#),
    BadRequest(
        name: "raw and typed mixed", code: .invalidArgument, status: 400, part: "one or the other",
        grpc: { $0.inputs[0].contents = .init(fp32Contents: [1, 2, 3, 4]) },
        json:
            #"{"inputs":[{"name":"x","datatype":"FP32","shape":[1,4],"parameters":{"binary_data_size":16},"data":[1,2,3,4]}]}"#
    ),
    BadRequest(
        name: "fewer raw contents than inputs", code: .invalidArgument, status: 400, part: "1 inputs",
        grpc: { $0.rawInputContents += $0.rawInputContents }),
    BadRequest(
        name: "neither raw nor typed", code: .invalidArgument, status: 400, part: "1 inputs",
        grpc: { $0.rawInputContents = [] }, json: nil),
    BadRequest(
        name: "elements in another type's list", code: .invalidArgument, status: 400, part: "fp64_contents",
        grpc: {
            $0.rawInputContents = []
            $0.inputs[0].contents = .init(fp64Contents: [1, 2, 3, 4])
        }),
    BadRequest(
        name: "too many elements in a list", code: .invalidArgument, status: 400, part: "5 elements",
        grpc: {
            $0.rawInputContents = []
            $0.inputs[0].contents = .init(fp32Contents: [1, 2, 3, 4, 5])
        }),
    BadRequest(
        name: "half precision in a list", code: .invalidArgument, status: 400, part: "raw_input_contents",
        grpc: {
            $0.rawInputContents = []
            $0.inputs[0].datatype = "FP16"
            $0.inputs[0].contents = .init(fp32Contents: [1, 2, 3, 4])
        }),
    BadRequest(
        name: "a sequence", code: .invalidArgument, status: 400, part: "sequence_id",
        grpc: { $0.parameters["sequence_id"] = .init(parameterChoice: .int64Param(5)) },
        json:
            #"{"parameters":{"sequence_id":5},"inputs":[{"name":"x","datatype":"FP32","shape":[1,4],"data":[1,2,3,4]}]}"#
    ),
    BadRequest(
        name: "shared memory", code: .invalidArgument, status: 400, part: "shared memory",
        grpc: { $0.inputs[0].parameters["shared_memory_region"] = .init(parameterChoice: .stringParam("r")) },
        json:
            #"{"inputs":[{"name":"x","datatype":"FP32","shape":[1,4],"parameters":{"shared_memory_region":"r"},"data":[1,2,3,4]}]}"#
    ),
    BadRequest(
        name: "a time-out that is none", code: .invalidArgument, status: 400, part: "'timeout'",
        grpc: { $0.parameters["timeout"] = .init(parameterChoice: .stringParam("soon")) },
        json:
            #"{"parameters":{"timeout":"soon"},"inputs":[{"name":"x","datatype":"FP32","shape":[1,4],"data":[1,2,3,4]}]}"#
    ),
]

@Suite("bad input", .timeLimit(.minutes(5))) struct BadInputTests {
    @Test("each defect has its code and says what is wrong, over gRPC and over REST")
    func dialects() async throws {
        try await withScorer([Models.echo(.fp32)]) { scorer async throws in
            for bad in cases {
                var request = Inference.ModelInferRequest("echo-fp32", [sample(.fp32, rows: 1)])
                bad.grpc(&request)
                do {
                    _ = try await scorer.calls().modelInfer(request)
                    Issue.record("\(bad.name) was answered")
                } catch let error as RPCError {
                    #expect(error.code == bad.code, "\(bad.name): \(error)")
                    #expect(error.message.contains(bad.part), "\(bad.name): \(error)")
                }
                guard let json = bad.json else { continue }
                let reply = try await scorer.post(bad.path, json)
                #expect(reply.status == bad.status, "\(bad.name): \(reply.text)")
                guard case .string(let message)? = try reply.json()["error"] else {
                    Issue.record("\(bad.name): no error in \(reply.text)")
                    continue
                }
                #expect(message.contains(bad.part), "\(bad.name): \(message)")
            }
            #expect(try await scorer.post("/v2/models/echo-fp32/infer", good).status == 200)
        }
    }

    @Test("texts whose lengths do not fill their bytes are refused in every form")
    func ragged() async throws {
        try await withScorer([Models.echo(.bytes)]) { scorer async throws in
            var request = Inference.ModelInferRequest("echo-bytes", [sample(.bytes, rows: 1)])
            request.rawInputContents[0] = request.rawInputContents[0].dropLast(3)
            await #expect(throws: RPCError.self) { _ = try await scorer.calls().modelInfer(request) }
            let json =
                #"{"inputs":[{"name":"x","datatype":"BYTES","shape":[1,4],"parameters":{"binary_data_size":5}}]}"#
            let reply = try await scorer.send(
                .post, "/v2/models/echo-bytes/infer", Array(json.utf8) + [9, 0, 0, 0, 1],
                fields: ["inference-header-content-length": "\(json.utf8.count)"])
            #expect(reply.status == 400 && reply.text.contains("x"))
        }
    }

    @Test(
        "JSON that is none is refused with its line, column and byte",
        arguments: [
            ("", "byte 0"), ("{", "byte 1"), ("{\"inputs\":[\n{\"name\":\"x\",}]}", "line 2, column 13"),
            ("[]", "byte 0"),
            (#"{"inputs":[{"name":"x","datatype":"FP32","shape":[1,4],"data":[1,2,oops,4]}]}"#, "byte 67"),
            (#"{"inputs":[{"datatype":"FP32","shape":[1],"data":[1]}]}"#, "inputs[0] has no"),
            (#"{"inputs":[{"name":"x","shape":[1],"data":[1]}]}"#, "no \\\"datatype\\\""),
            (#"{"inputs":[{"name":"x","datatype":"FP32","shape":[1]}]}"#, "neither"),
            (#"{"inputs":[{"name":"x","datatype":"FP32","shape":[1,4],"data":[[1,2],[3,4]]}]}"#, "nested as [2,2]"),
            (#"{"id":"x"}"#, "no \\\"inputs\\\""),
        ])
    func json(body: String, part: String) async throws {
        try await withScorer([Models.echo(.fp32)]) { scorer async throws in
            let reply = try await scorer.post("/v2/models/echo-fp32/infer", body)
            #expect(reply.status == 400)
            #expect(reply.text.contains(part), "\(reply.text)")
        }
    }

    @Test("binary parts that do not fit the body are refused")
    func binarySizes() async throws {
        try await withScorer([Models.echo(.fp32)]) { scorer async throws in
            let json =
                #"{"inputs":[{"name":"x","datatype":"FP32","shape":[1,4],"parameters":{"binary_data_size":16}}]}"#
            for (length, tail, part) in [
                ("\(json.utf8.count)", 15, "binary_data_size 16"), ("\(json.utf8.count)", 17, "1 bytes"),
                ("99999", 16, "99999"), ("-1", 16, "-1"), ("many", 16, "no number"),
            ] {
                let reply = try await scorer.send(
                    .post, "/v2/models/echo-fp32/infer", Array(json.utf8) + [UInt8](repeating: 0, count: tail),
                    fields: ["inference-header-content-length": length])
                #expect(reply.status == 400 && reply.text.contains(part), "\(reply.text)")
            }
        }
    }

    @Test("a body over the limit is refused with the limit and the setting, in every dialect")
    func limit() async throws {
        try await withScorer([Models.echo(.fp32)], bodyLimit: 100_000) { scorer async throws in
            let text = String(repeating: " ", count: 100_001)
            for path in ["/v2/models/echo-fp32/infer", "/score", "/invocations"] {
                let reply = try await scorer.post(path, text)
                #expect(reply.status == 413)
                #expect(reply.text.contains("100000") && reply.text.contains("message_limit"), "\(reply.text)")
            }
            let large = Tensor(
                name: "x", datatype: .fp32, shape: [6251, 4], contents: [UInt8](repeating: 0, count: 100_016)[...])
            do {
                _ = try await scorer.calls().modelInfer(Inference.ModelInferRequest("echo-fp32", [large]))
                Issue.record("the message was taken")
            } catch let error as RPCError {
                #expect(error.code == .resourceExhausted && error.message.contains("100000"), "\(error)")
            }
        }
    }
}
