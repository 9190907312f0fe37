import CommandLineKit
import Contracts
import Testing

@testable import Slipway

@Suite("A request to try an endpoint with")
struct SampleRequestTests {
    private func sample(
        _ inputs: [Slipway.Models.V1.TensorDescription], features: [String] = [], example: String = "",
        isOnly: Bool = true, hasScript: Bool = false
    ) -> SampleRequest {
        SampleRequest(
            model: "churn", isOnly: isOnly, hasScript: hasScript,
            signature: .init(inputs: inputs, features: features, sampleInputJson: example))
    }

    @Test("one input of numbers gets a row, as wide as the model wants")
    func row() {
        let input = Slipway.Models.V1.TensorDescription(name: "x", datatype: "INT64", shape: [-1, 3])
        #expect(sample([input]).path == "/score" && sample([input]).body == "{\"data\":[[0,0,0]]}")
        #expect(sample([], features: ["a", "b"]).body == "{\"data\":[[0.0,0.0]]}")
    }

    @Test("several inputs, texts and several models get tensors")
    func tensors() {
        let text = Slipway.Models.V1.TensorDescription(name: "a \"b\"", datatype: "BYTES", shape: [-1])
        let number = Slipway.Models.V1.TensorDescription(name: "n", datatype: "FP32", shape: [-1, 2])
        let maybe = Slipway.Models.V1.TensorDescription(name: "m", datatype: "FP32", shape: [1], optional: true)
        let both = sample([text, number, maybe])
        #expect(both.path == "/v2/models/churn/infer")
        #expect(
            both.body
                == #"{"inputs":[{"name":"a \"b\"","datatype":"BYTES","shape":[1],"data":[""]},"#
                + #"{"name":"n","datatype":"FP32","shape":[1,2],"data":[0.0,0.0]}]}"#)
        #expect(sample([number], isOnly: false).path == "/v2/models/churn/infer")
    }

    @Test("a script gets its sample; where nothing is known the model is asked what it takes")
    func others() {
        #expect(sample([], example: "{\"rows\": 1}", hasScript: true).body == "{\"rows\": 1}")
        #expect(sample([], hasScript: true).path == "/swagger.json")
        let huge = Slipway.Models.V1.TensorDescription(name: "x", datatype: "FP32", shape: [1, 3, 224, 224])
        #expect(sample([huge]).path == "/v2/models/churn" && sample([huge]).body == nil)
        let endless = Slipway.Models.V1.TensorDescription(name: "x", datatype: "FP32", shape: [Int64.max, Int64.max])
        #expect(sample([endless, endless]).body == nil)
    }

    @Test("the line is one that a shell takes, and holds no key")
    func line() {
        let request = sample([], example: #"{"name": "O'Hara"}"#, hasScript: true)
        #expect(
            request.line(address: "https://h/e", keyCommand: "slipway deployment keys churn", authorities: "a b.pem")
                == "curl -s --cacert 'a b.pem' https://h/e/score "
                + "-H \"authorization: Bearer $(slipway deployment keys churn)\" "
                + #"-H 'content-type: application/json' -d '{"name": "O'\''Hara"}'"#)
    }
}
