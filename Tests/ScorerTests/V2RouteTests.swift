import CZlib
import HTTP
import ScorerFakes
import Serving
import Testing

@testable import ScorerCore

@Suite("the inference protocol over REST", .timeLimit(.minutes(5))) struct V2RouteTests {
    @Test(
        "numbers in JSON are answered in JSON, flat or nested, whatever comes first",
        arguments: [
            #"{"inputs":[{"name":"x","datatype":"FP32","shape":[1,4],"data":[1,2.5,NaN,-3]}]}"#,
            #"{"id":"","inputs":[{"data":[[1,2.5,NaN,-3]],"shape":[1,4],"name":"x","datatype":"FP32"}]}"#,
        ])
    func json(body: String) async throws {
        try await withScorer([Models.echo(.fp32)]) { scorer async throws in
            let reply = try await scorer.post("/v2/models/echo-fp32/infer", body)
            #expect(reply.status == 200)
            #expect(
                reply.text
                    == #"{"model_name":"echo-fp32","model_version":"1","outputs":[{"name":"y","datatype":"FP32","shape":[1,4],"data":[1.0,2.5,NaN,-3.0]}]}"#
            )
            #expect(reply.fields["slipway-timing"]?.hasPrefix("queue=12.0us") == true)
        }
    }

    @Test("bytes of every datatype behind the JSON come back as they went, where the request asks for it")
    func binary() async throws {
        try await withScorer(Datatype.allCases.map { Models.echo($0) }) { scorer async throws in
            for datatype in Datatype.allCases {
                let tensor = sample(datatype)
                let json =
                    #"{"id":"7","parameters":{"binary_data_output":true},"inputs":[{"name":"x","datatype":"\#(datatype.name)","#
                    + #""shape":[2,4],"parameters":{"binary_data_size":\#(tensor.contents.count)}}]}"#
                let reply = try await scorer.send(
                    .post, "/v2/models/echo-\(datatype.name.lowercased())/versions/1/infer",
                    Array(json.utf8) + tensor.contents,
                    fields: ["inference-header-content-length": "\(json.utf8.count)"])
                #expect(reply.status == 200, "\(reply.text)")
                let length = try #require(reply.fields["inference-header-content-length"].flatMap { Int($0) })
                #expect(reply.body[length...] == tensor.contents)
                let head = String(decoding: reply.body[..<length], as: UTF8.self)
                #expect(head.contains(#""id":"7""#) && head.contains(#""binary_data_size":\#(tensor.contents.count)"#))
            }
        }
    }

    @Test("JSON of every datatype is answered with the same elements")
    func everyDatatype() async throws {
        try await withScorer(Datatype.allCases.map { Models.echo($0) }) { scorer async throws in
            for datatype in Datatype.allCases {
                var output = JSONOutput()
                output.flat(sample(datatype))
                let data = String(decoding: output.bytes, as: UTF8.self)
                let reply = try await scorer.post(
                    "/v2/models/echo-\(datatype.name.lowercased())/infer",
                    #"{"inputs":[{"name":"x","datatype":"\#(datatype.name)","shape":[2,4],"data":\#(data)}]}"#)
                #expect(reply.text.contains(#""data":\#(data)"#), "\(reply.text)")
            }
        }
    }

    @Test("each output may say for itself whether it goes behind the JSON")
    func mixedOutputs() async throws {
        try await withScorer([Models.iris()]) { scorer async throws in
            let reply = try await scorer.post(
                "/v2/models/iris/infer",
                #"""
                {"inputs":[{"name":"x","datatype":"FP32","shape":[1,4],"data":[1,2,3,4]}],
                 "outputs":[{"name":"sum","parameters":{"binary_data":true}},{"name":"label"}]}
                """#)
            let length = try #require(reply.fields["inference-header-content-length"].flatMap { Int($0) })
            #expect(Array(reply.body[length...]) == Array(Models.bytes([Float(10)])))
            #expect(String(decoding: reply.body[..<length], as: UTF8.self).contains(#""data":["small"]"#))
        }
    }

    @Test("a body of bytes alone is the model's only input")
    func bare() async throws {
        try await withScorer([Models.echo(.fp32)]) { scorer async throws in
            let bytes = Array(Models.bytes((1...8).map { Float($0) }))
            let fields: HeaderFields = ["inference-header-content-length": "0"]
            let reply = try await scorer.send(.post, "/v2/models/echo-fp32/infer", bytes, fields: fields)
            #expect(reply.status == 200 && Array(reply.body.suffix(32)) == bytes)
            let short = try await scorer.send(.post, "/v2/models/echo-fp32/infer", [1, 2, 3], fields: fields)
            #expect(short.status == 400 && short.text.contains("3 bytes"))
        }
    }

    @Test("bodies that come compressed are unpacked, up to the limit", arguments: ["gzip", "deflate", "bare deflate"])
    func compressed(coding: String) async throws {
        try await withScorer([Models.echo(.fp32)], bodyLimit: 4096) { scorer async throws in
            let json = #"{"inputs":[{"name":"x","datatype":"FP32","shape":[1,4],"data":[1,2,3,4]}]}"#
            let name = coding == "gzip" ? "gzip" : "deflate"
            let bits: Int32 = coding == "gzip" ? 31 : coding == "deflate" ? 15 : -15
            func send(_ text: String) async throws -> Reply {
                try await scorer.send(
                    .post, "/v2/models/echo-fp32/infer", try packed(Array(text.utf8), bits),
                    fields: ["content-encoding": name])
            }
            #expect(try await send(json).status == 200)
            let bomb = try await send(json + String(repeating: " ", count: 1_000_000))
            #expect(bomb.status == 413 && bomb.text.contains("4096"))
            let damaged = try await scorer.send(
                .post, "/v2/models/echo-fp32/infer", [1, 2, 3], fields: ["content-encoding": name])
            #expect(damaged.status == 400)
            let unknown = try await scorer.post(
                "/v2/models/echo-fp32/infer", json, fields: ["content-encoding": "zstd"])
            #expect(unknown.status == 415)
        }
    }

    private func packed(_ bytes: [UInt8], _ bits: Int32) throws -> [UInt8] {
        var stream = z_stream()
        try #require(
            deflateInit2_(
                &stream, 6, Z_DEFLATED, bits, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
                == Z_OK)
        defer { deflateEnd(&stream) }
        var input = bytes
        return [UInt8](unsafeUninitializedCapacity: bytes.count + 256) { output, count in
            input.withUnsafeMutableBufferPointer { input in
                stream.next_in = input.baseAddress
                stream.avail_in = UInt32(input.count)
                stream.next_out = output.baseAddress
                stream.avail_out = UInt32(output.count)
                _ = deflate(&stream, Z_FINISH)
            }
            count = output.count - Int(stream.avail_out)
        }
    }

    @Test("health, metadata, configuration, statistics and the repository answer as the protocol says")
    func documents() async throws {
        try await withScorer([Models.iris(), Models.echo(.fp32)]) { scorer async throws in
            #expect(try await scorer.get("/v2/health/live").text == #"{"live":true}"#)
            #expect(try await scorer.get("/v2/health/ready").status == 200)
            #expect(try await scorer.get("/v2").json()["name"] == "slipway-scorer")
            let model = try await scorer.get("/v2/models/iris/versions/1").json()
            #expect(model["inputs"] == [["name": "x", "datatype": "FP32", "shape": [-1, 4]]])
            #expect(try await scorer.get("/v2/models/iris/ready").status == 200)
            #expect(try await scorer.get("/v2/models/nobody/ready").status == 404)
            #expect(try await scorer.get("/v2/models/iris/config").json()["backend"] == "fake")
            let statistics = try await scorer.get("/v2/models/stats").json()["model_stats"]
            guard case .array(let list)? = statistics else { Issue.record("no list"); return }
            #expect(list.count == 2 && list[0]["inference_count"] == 8)
            scorer.serving.set(.loading, of: "iris")
            #expect(try await scorer.get("/v2/health/ready").status == 503)
            #expect(try await scorer.get("/v2/models/iris/ready").status == 503)
            let unready = try await scorer.get("/v2/models/iris")
            #expect(unready.status == 503 && unready.fields["retry-after"] == "2")
            #expect(
                try await scorer.post("/v2/repository/index", "").json()
                    == [
                        ["name": "iris", "version": "1", "state": "LOADING"],
                        ["name": "echo-fp32", "version": "1", "state": "READY"],
                    ])
            let ready = try await scorer.post("/v2/repository/index", #"{"ready":true}"#)
            #expect(try ready.json() == [["name": "echo-fp32", "version": "1", "state": "READY"]])
            let load = try await scorer.post("/v2/repository/models/iris/load", #"{"parameters":{"threads":2}}"#)
            #expect(load.status == 200 && scorer.serving.loaded.map(\.options) == [["threads": "2"]])
            #expect(try await scorer.post("/v2/repository/models/iris/unload", "").status == 200)
            let file = try await scorer.post(
                "/v2/repository/models/iris/load", #"{"parameters":{"file:1/model.onnx":"AAAA"}}"#)
            #expect(file.status == 400)
            #expect(try await scorer.post("/v2/repository/models/broken/load", "").status == 422)
            scorer.serving.refuseLoads()
            #expect(try await scorer.post("/v2/repository/models/iris/load", "").status == 409)
        }
    }
}
