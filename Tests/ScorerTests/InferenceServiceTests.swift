import InferenceContracts
import Protobuf
import RPC
import ScorerFakes
import Serving
import Testing

@testable import ScorerCore

extension Inference.ModelInferRequest {
    init(_ model: String, _ tensors: [Tensor], raw: Bool = true) {
        self.init()
        modelName = model
        for tensor in tensors {
            var input = InferInputTensor()
            input.name = tensor.name
            input.datatype = tensor.datatype.name
            input.shape = tensor.shape.map { Int64($0) }
            if raw { rawInputContents.append(tensor.contents) } else { input.contents = TypedContents.typed(tensor) }
            inputs.append(input)
        }
    }
}

func sample(_ datatype: Datatype, rows: Int = 2) -> Tensor {
    let count = rows * 4
    let contents: Bytes =
        if let size = datatype.elementBytes {
            datatype == .bool
                ? Array((0..<count).map { UInt8($0 & 1) })[...]
                : Array((0..<count * size).map { UInt8($0 & 0x3f) })[...]
        } else { Models.framed((0..<count).map { "text \($0) é" }) }
    return Tensor(name: "x", datatype: datatype, shape: [rows, 4], contents: contents)
}

@Suite("the inference protocol over gRPC", .timeLimit(.minutes(5))) struct InferenceServiceTests {
    @Test("bytes of every datatype come back as they went, with the model's name, version and the request's id")
    func raw() async throws {
        try await withScorer(Datatype.allCases.map { Models.echo($0) }) { scorer async throws in
            for datatype in Datatype.allCases {
                let tensor = sample(datatype)
                let name = "echo-\(datatype.name.lowercased())"
                var request = Inference.ModelInferRequest(name, [tensor])
                request.id = "r-1"
                let answer = try await scorer.calls().modelInfer(request)
                #expect(answer.modelName == name && answer.modelVersion == "1" && answer.id == "r-1")
                #expect(answer.rawOutputContents == [tensor.contents])
                #expect(answer.outputs.map(\.datatype) == [datatype.name])
                #expect(answer.outputs.map(\.shape) == [[2, 4]])
                #expect(answer.outputs[0].contents == nil)
            }
        }
    }

    @Test("elements in lists are taken for every datatype that has a list, and answered in lists")
    func typed() async throws {
        try await withScorer(Datatype.allCases.map { Models.echo($0) }) { scorer async throws in
            for datatype in Datatype.allCases where datatype != .fp16 && datatype != .bf16 {
                let tensor = sample(datatype)
                let request = Inference.ModelInferRequest("echo-\(datatype.name.lowercased())", [tensor], raw: false)
                let answer = try await scorer.calls().modelInfer(request)
                #expect(scorer.serving.latest?.inputs == [tensor])
                #expect(answer.rawOutputContents.isEmpty)
                #expect(answer.outputs[0].contents == request.inputs[0].contents)
            }
        }
    }

    @Test("the answer says in metadata where its time went, unless the settings forbid it")
    func timing() async throws {
        var settings = ScoringSettings()
        for isOn in [true, false] {
            settings.timing = isOn
            try await withScorer([Models.echo(.fp32)], settings: settings) { scorer async throws in
                let request = """
                    {"modelName": "echo-fp32", "rawInputContents": [""],
                     "inputs": [{"name": "x", "datatype": "FP32", "shape": ["0", "4"]}]}
                    """
                let reply = try await scorer.post(
                    "/inference.GRPCInferenceService/ModelInfer", request, fields: ["content-type": "application/json"])
                #expect(reply.status == 200)
                #expect(
                    reply.fields["slipway-timing"]
                        == (isOn ? "queue=12.0us, compute=31.2us, batch=1, closed=single, inline" : nil))
            }
        }
    }

    @Test("priority, time-out and other parameters reach the model; outputs are those that are asked for")
    func parameters() async throws {
        try await withScorer([Models.iris()]) { scorer async throws in
            var request = Inference.ModelInferRequest(
                "iris",
                [Tensor(name: "x", datatype: .fp32, shape: [1, 4], contents: Models.bytes((1...4).map { Float($0) }))])
            request.parameters = [
                "priority": .init(parameterChoice: .uint64Param(3)),
                "timeout": .init(parameterChoice: .int64Param(60_000_000)),
                "colour": .init(parameterChoice: .stringParam("red")),
            ]
            request.outputs = [.init(name: "sum")]
            let answer = try await scorer.calls(["x-kind": "test", "authorization": "Bearer x"]).modelInfer(request)
            #expect(answer.outputs.map(\.name) == ["sum"])
            let latest = try #require(scorer.serving.latest)
            #expect(latest.priority == 3)
            #expect(latest.deadline != nil)
            #expect(latest.circumstances?.parameters == ["colour": "red"])
            #expect(latest.circumstances?.headers.contains { $0.name == "x-kind" } == true)
            #expect(latest.circumstances?.headers.contains { $0.name == "authorization" } == false)
        }
    }

    @Test("a stream answers each request in turn, and tells of a failure without ending")
    func stream() async throws {
        try await withScorer([Models.echo(.fp32)]) { scorer async throws in
            var wrong = Inference.ModelInferRequest("nobody", [sample(.fp32)])
            wrong.id = "2"
            let requests = [Inference.ModelInferRequest("echo-fp32", [sample(.fp32)]), wrong]
            let answers = try await scorer.calls().modelStreamInfer { writer, responses in
                for request in requests { try await writer.write(request) }
                try await writer.finish()
                var all: [Inference.ModelStreamInferResponse] = []
                for try await response in responses { all.append(response) }
                return all
            }
            #expect(answers.count == 2)
            #expect(answers[0].errorMessage.isEmpty && answers[0].inferResponse?.modelName == "echo-fp32")
            #expect(answers[1].errorMessage.contains("nobody") && answers[1].inferResponse?.id == "2")
        }
    }

    @Test("what a model takes and gives is told as the protocol and as Triton's configuration say it")
    func descriptions() async throws {
        try await withScorer([Models.iris()]) { scorer async throws in
            let calls = scorer.calls()
            let server = try await calls.serverMetadata(.init())
            #expect(server.name == "slipway-scorer" && server.version == "9.9")
            #expect(try await calls.serverLive(.init()).live)
            #expect(try await calls.serverReady(.init()).ready)
            #expect(try await calls.modelReady(.init(name: "iris")).ready)
            #expect(try await !calls.modelReady(.init(name: "iris", version: "2")).ready)
            let model = try await calls.modelMetadata(.init(name: "iris"))
            #expect(model.versions == ["1"] && model.platform == "fake_closure")
            #expect(model.inputs == [.init(name: "x", datatype: "FP32", shape: [-1, 4])])
            let config = try #require(try await calls.modelConfig(.init(name: "iris")).config)
            #expect(config.maxBatchSize == Int32.max && config.dynamicBatching != nil)
            #expect(config.input == [.init(name: "x", dataType: .typeFp32, dims: [4])])
            #expect(config.output.map(\.dataType) == [.typeString, .typeFp32])
            let statistics = try await calls.modelStatistics(.init()).modelStats
            #expect(statistics.count == 1 && statistics[0].inferenceCount == 8)
            #expect(statistics[0].batchStats.map(\.batchSize) == [4])
        }
    }

    @Test("the index lists every version with its state, and failed ones with their reason")
    func repository() async throws {
        try await withScorer([Models.iris(), Models.echo(.fp32)]) { scorer async throws in
            scorer.serving.set(.failed, of: "iris")
            let all = try await scorer.calls().repositoryIndex(.init()).models
            #expect(all.map(\.state) == ["UNAVAILABLE", "READY"])
            #expect(all[0].reason == "its file is cut short")
            #expect(try await scorer.calls().repositoryIndex(.init(ready: true)).models.map(\.name) == ["echo-fp32"])
            _ = try await scorer.calls().repositoryModelLoad(
                .init(modelName: "iris", parameters: ["threads": .init(parameterChoice: .int64Param(2))]))
            #expect(scorer.serving.loaded.map(\.options) == [["threads": "2"]])
            _ = try await scorer.calls().repositoryModelUnload(.init(modelName: "iris"))
            #expect(scorer.serving.unloaded == ["iris"])
        }
    }
}
