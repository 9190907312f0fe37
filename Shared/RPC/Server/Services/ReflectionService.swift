import Protobuf

/// `grpc.reflection.v1.ServerReflection`, and `v1alpha` beside it, whose messages are the same under another name: tells
/// tools which services there are and how their messages look.
public struct ReflectionService: RPCService {
    private typealias V1 = Grpc.Reflection.V1

    private let services: [String]
    private let filesByName: [String: FileDescriptor]
    private let filesBySymbol: [String: FileDescriptor]
    private let extensions: [Extension]

    private struct Extension {
        let extendedType: String
        let number: Int32
        let file: FileDescriptor
    }

    /// - Parameter services: what to tell of; the reflection service adds itself.
    public init(services: [ServiceDescriptor]) {
        let all = services + [V1.ServerReflection.descriptor, Grpc.Reflection.V1alpha.ServerReflection.descriptor]
        self.services = all.map(\.fullName).sorted()
        var byName: [String: FileDescriptor] = [:]
        var bySymbol: [String: FileDescriptor] = [:]
        var extensions: [Extension] = []
        for file in all.flatMap({ $0.file.closure }) where byName[file.name] == nil {
            byName[file.name] = file
            for symbol in file.symbols { bySymbol[symbol] = file }
            extensions += ReflectionService.extensions(of: file)
        }
        filesByName = byName
        filesBySymbol = bySymbol
        self.extensions = extensions
    }

    private static func extensions(of file: FileDescriptor) -> [Extension] {
        guard let proto = try? Google.Protobuf.FileDescriptorProto(serialized: file.serialized) else { return [] }
        var fields = proto.`extension`
        var messages = proto.messageType
        while let message = messages.popLast() {
            fields += message.`extension`
            messages += message.nestedType
        }
        return fields.map { field in
            let type = field.extendee ?? ""
            return Extension(
                extendedType: String(type.drop { $0 == "." }), number: field.number ?? 0, file: file)
        }
    }

    public func handlers() -> [MethodHandler] {
        ["grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection"].map { service in
            let method = MethodDescriptor<V1.ServerReflectionRequest, V1.ServerReflectionResponse>(
                service: service, name: "ServerReflectionInfo", shape: .bidirectional)
            return .streaming(method) { requests, responses, _ in
                for try await request in requests { try await responses.write(answer(request)) }
            }
        }
    }

    private func answer(_ request: V1.ServerReflectionRequest) -> V1.ServerReflectionResponse {
        var response = V1.ServerReflectionResponse()
        response.validHost = request.host
        response.originalRequest = request
        response.messageResponse =
            switch request.messageRequest {
            case .fileByFilename(let name): files(filesByName[name], "file", name)
            case .fileContainingSymbol(let symbol): files(filesBySymbol[symbol], "symbol", symbol)
            case .fileContainingExtension(let wanted):
                files(
                    extensions.first {
                        $0.extendedType == wanted.containingType && $0.number == wanted.extensionNumber
                    }?
                    .file,
                    "extension", "\(wanted.containingType) \(wanted.extensionNumber)")
            case .allExtensionNumbersOfType(let type): extensionNumbers(type)
            case .listServices: .listServicesResponse(serviceList)
            case nil: .errorResponse(error(.invalidArgument, "the request asks for nothing"))
            }
        return response
    }

    /// A file with all that it imports, so that a client needs no second question.
    private func files(
        _ file: FileDescriptor?, _ kind: String, _ name: String
    ) -> V1.ServerReflectionResponse.MessageResponse {
        guard let file else { return .errorResponse(error(.notFound, "there is no \(kind) \(name)")) }
        var found = V1.FileDescriptorResponse()
        found.fileDescriptorProto = file.closure.reversed().map { $0.serialized[...] }
        return .fileDescriptorResponse(found)
    }

    private func extensionNumbers(_ type: String) -> V1.ServerReflectionResponse.MessageResponse {
        guard filesBySymbol[type] != nil else {
            return .errorResponse(error(.notFound, "there is no message \(type)"))
        }
        var found = V1.ExtensionNumberResponse()
        found.baseTypeName = type
        found.extensionNumber = extensions.filter { $0.extendedType == type }.map(\.number).sorted()
        return .allExtensionNumbersResponse(found)
    }

    private var serviceList: V1.ListServiceResponse {
        var list = V1.ListServiceResponse()
        list.service = services.map { name in
            var service = V1.ServiceResponse()
            service.name = name
            return service
        }
        return list
    }

    private func error(_ code: RPCCode, _ message: String) -> V1.ErrorResponse {
        var error = V1.ErrorResponse()
        error.errorCode = Int32(code.rawValue)
        error.errorMessage = message
        return error
    }
}
