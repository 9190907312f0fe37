import InferenceContracts
import Protobuf
import RPC
import Serving

extension InferenceService {
    public func modelInfer(
        _ request: Inference.ModelInferRequest, context: ServerContext
    ) async throws -> Inference.ModelInferResponse {
        let (response, timing) = try await answer(request, context)
        if point.settings.timing { context.responseMetadata.add(TimingText.field, TimingText.of(timing)) }
        return response
    }

    public func modelStreamInfer(
        requests: RequestStream<Inference.ModelInferRequest>,
        responses: ResponseWriter<Inference.ModelStreamInferResponse>, context: ServerContext
    ) async throws {
        for try await request in requests {
            var message = Inference.ModelStreamInferResponse()
            do { message.inferResponse = try await answer(request, context).response } catch let error as ServingError {
                message.errorMessage = error.message
                var echo = Inference.ModelInferResponse()
                echo.id = request.id
                message.inferResponse = echo
            }
            try await responses.write(message)
        }
    }

    private func answer(
        _ message: Inference.ModelInferRequest, _ context: ServerContext
    ) async throws -> (response: Inference.ModelInferResponse, timing: InferenceTiming) {
        var parameters = RequestParameters()
        for (name, parameter) in message.parameters {
            if let value = RequestParameters.Value(parameter) { try parameters.set(name, value) }
        }
        let isRaw = !message.rawInputContents.isEmpty || message.inputs.allSatisfy { $0.contents == nil }
        var request = InferenceRequest(
            model: try ModelText.reference(message.modelName, message.modelVersion),
            inputs: isRaw ? try rawInputs(message) : try typedInputs(message), outputs: try outputs(message),
            id: message.id, priority: parameters.priority)
        if !parameters.others.isEmpty { request.circumstances = circumstances(parameters, context) }
        let timeout = shorter(parameters.timeout, context.timeRemaining)
        let answer = try await point.infer(
            request, timeout: timeout, correlation: RequestFacts.correlation(context.request.fields))
        return (respond(answer, to: message.id, isRaw: isRaw), answer.timing)
    }

    private func shorter(_ one: Duration?, _ other: Duration?) -> Duration? {
        guard let one else { return other }
        guard let other else { return one }
        return min(one, other)
    }

    // MARK: the request's tensors

    /// Windows of the message: nothing is copied.
    private func rawInputs(_ message: Inference.ModelInferRequest) throws(ServingError) -> [Tensor] {
        guard message.rawInputContents.count == message.inputs.count else {
            throw ServingError(
                .invalidInput,
                "there are \(message.inputs.count) inputs and raw_input_contents for \(message.rawInputContents.count)")
        }
        var tensors: [Tensor] = []
        tensors.reserveCapacity(message.inputs.count)
        for index in message.inputs.indices {
            let input = message.inputs[index]
            guard input.contents == nil else {
                throw ServingError(
                    .invalidInput,
                    "input '\(input.name)' has contents although the request has raw_input_contents; it is one or the "
                        + "other for all inputs")
            }
            try check(input.parameters, of: input.name)
            tensors.append(
                Tensor(
                    name: input.name, datatype: try .named(input.datatype, of: input.name),
                    shape: try shape(input.shape, of: input.name), contents: message.rawInputContents[index]))
        }
        return tensors
    }

    private func typedInputs(_ message: Inference.ModelInferRequest) throws(ServingError) -> [Tensor] {
        var tensors: [Tensor] = []
        for input in message.inputs {
            try check(input.parameters, of: input.name)
            let datatype = try Datatype.named(input.datatype, of: input.name)
            let shape = try shape(input.shape, of: input.name)
            tensors.append(
                Tensor(
                    name: input.name, datatype: datatype, shape: shape,
                    contents: try TypedContents.raw(input, datatype, shape)))
        }
        return tensors
    }

    private func check(
        _ parameters: [String: Inference.InferParameter], of tensor: String
    ) throws(ServingError) {
        if parameters.isEmpty { return }
        for name in parameters.keys { try RequestParameters.check(name, of: tensor) }
    }

    private func shape(_ dimensions: [Int64], of tensor: String) throws(ServingError) -> [Int] {
        var shape: [Int] = []
        shape.reserveCapacity(dimensions.count)
        for dimension in dimensions {
            guard dimension >= 0 else {
                throw ServingError(.invalidInput, "input '\(tensor)' has the negative dimension \(dimension)")
            }
            shape.append(Int(dimension))
        }
        return shape
    }

    private func outputs(_ message: Inference.ModelInferRequest) throws(ServingError) -> [String] {
        if message.outputs.isEmpty { return [] }
        var names: [String] = []
        for output in message.outputs {
            try check(output.parameters, of: output.name)
            names.append(output.name)
        }
        return names
    }

    private func circumstances(
        _ parameters: RequestParameters, _ context: ServerContext
    ) -> InferenceRequest.Circumstances {
        var circumstances = InferenceRequest.Circumstances()
        circumstances.parameters = parameters.others
        circumstances.path = context.method.path
        circumstances.method = "POST"
        circumstances.headers = RequestFacts.headers(context.request.fields)
        circumstances.traceparent = context.request.fields["traceparent"] ?? ""
        return circumstances
    }

    // MARK: the answer

    /// Raw where the request was raw; in lists otherwise, as far as every output has a list for its type.
    private func respond(_ answer: InferenceAnswer, to id: String, isRaw: Bool) -> Inference.ModelInferResponse {
        var response = Inference.ModelInferResponse()
        response.modelName = answer.name
        response.modelVersion = "\(answer.version)"
        response.id = id
        var typed: [Inference.InferTensorContents] = []
        if !isRaw { typed = answer.outputs.compactMap { TypedContents.typed($0) } }
        let usesLists = !isRaw && typed.count == answer.outputs.count
        response.outputs.reserveCapacity(answer.outputs.count)
        for (index, tensor) in answer.outputs.enumerated() {
            var output = Inference.ModelInferResponse.InferOutputTensor()
            output.name = tensor.name
            output.datatype = tensor.datatype.name
            output.shape = tensor.shape.map { Int64($0) }
            if usesLists { output.contents = typed[index] } else { response.rawOutputContents.append(tensor.contents) }
            response.outputs.append(output)
        }
        return response
    }
}
