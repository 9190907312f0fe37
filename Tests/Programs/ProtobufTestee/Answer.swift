internal import Protobuf

/// Reads the payload and writes it in the format asked for. What this program does not speak is skipped.
func answer(_ request: Request) -> Response {
    if request.messageType == Conformance.FailureSet.messageName {
        return Response(result: .protobufPayload(Conformance.FailureSet().serialized()[...]))
    }
    guard request.messageType == AllTypes.messageName else {
        return Response(result: .skipped("the message type \(request.messageType) is not known"))
    }
    let registry = TypeRegistry([ProtobufTestMessages.Proto3.testMessagesProto3File])
    let message: AllTypes
    do {
        switch request.payload {
        case .protobufPayload(let bytes)?: message = try AllTypes(serialized: bytes)
        case .jsonPayload(let text)?:
            let ignores = request.testCategory == .jsonIgnoreUnknownParsingTest
            message = try AllTypes(json: text, options: .init(ignoresUnknownFields: ignores, registry: registry))
        case .jspbPayload?: return Response(result: .skipped("JSPB is not supported"))
        case .textPayload?: return Response(result: .skipped("the text format is not supported"))
        case nil: return Response(result: .runtimeError("the request has no payload"))
        }
    } catch {
        return Response(result: .parseError("\(error)"))
    }
    switch request.requestedOutputFormat {
    case .protobuf: return Response(result: .protobufPayload(message.serialized()[...]))
    case .json:
        do {
            return Response(result: .jsonPayload(try message.jsonString(options: .init(registry: registry))))
        } catch {
            return Response(result: .serializeError("\(error)"))
        }
    default: return Response(result: .skipped("the output format \(request.requestedOutputFormat) is not supported"))
    }
}
