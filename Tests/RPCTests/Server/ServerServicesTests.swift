import HTTP
import Loop
import Protobuf
import Testing

@testable import RPC

private typealias Health = Grpc.Health.V1
private typealias Reflection = Grpc.Reflection.V1

private func asking(_ service: String) -> Grpc.Health.V1.HealthCheckRequest {
    var request = Grpc.Health.V1.HealthCheckRequest()
    request.service = service
    return request
}

@Suite("The health service", .serialized, .timeLimit(.minutes(1)))
struct HealthServiceTests {
    @Test("Check tells the status of what is known, and notFound of what is not", arguments: Manner.allCases)
    func check(_ manner: Manner) async throws {
        let service = HealthService()
        service.set(.notServing, for: "models")
        try await withServer([service]) { served in
            let client = Health.Health.Client(served.channel(manner))
            let (server, models) = (try await client.check(asking("")), try await client.check(asking("models")))
            #expect(server.status == .serving)
            #expect(models.status == .notServing)
            let error = await failure { _ = try await client.check(asking("nobody")) }
            #expect(error?.code == .notFound)
        }
    }

    @Test("List tells of every service, up to a hundred")
    func list() async throws {
        let service = HealthService()
        service.set(.notServing, for: "models")
        try await withServer([service]) { served in
            let client = Health.Health.Client(served.channel())
            let statuses = try await client.list(Health.HealthListRequest()).statuses
            #expect(statuses.mapValues(\.status) == ["": .serving, "models": .notServing])
            for index in 0..<100 { service.set(.serving, for: "\(index)") }
            let error = await failure { _ = try await client.list(Health.HealthListRequest()) }
            #expect(error?.code == .resourceExhausted)
        }
    }

    @Test("Watch tells each change once, and leaves nothing behind when its caller goes", arguments: Manner.fullDuplex)
    func watch(_ manner: Manner) async throws {
        let service = HealthService()
        try await withServer([service]) { served in
            let client = Health.Health.Client(served.channel(manner))
            try await client.watch(asking("models")) { responses in
                var iterator = responses.makeAsyncIterator()
                var statuses = [try await iterator.next()?.status]
                service.set(.serving, for: "another")
                service.set(.serving, for: "models")
                statuses.append(try await iterator.next()?.status)
                service.set(.serving, for: "models")
                service.stopServing()
                statuses.append(try await iterator.next()?.status)
                #expect(statuses == [.serviceUnknown, .serving, .notServing])
            }
            await eventually { served.rpc.callsInFlight == 0 }
        }
    }

    @Test("stopServing ends everything that is known")
    func stopServing() async throws {
        let service = HealthService()
        service.set(.serving, for: "models")
        service.stopServing()
        try await withServer([service]) { served in
            let client = Health.Health.Client(served.channel())
            for name in ["", "models"] {
                let answer = try await client.check(asking(name))
                #expect(answer.status == .notServing)
            }
        }
    }
}

@Suite("The reflection service", .serialized, .timeLimit(.minutes(1)))
struct ReflectionServiceTests {
    /// `extend google.protobuf.MethodOptions` with 50001 at the top and with 50002 inside a message.
    private static let rules = FileDescriptor(
        name: "slipway/test/rules.proto", package: "slipway.test.rules",
        dependencies: ["google/protobuf/descriptor.proto"], symbols: ["slipway.test.rules.Ruled"], messages: [],
        imports: { [Google.Protobuf.descriptorFile] },
        base64: """
            ChhzbGlwd2F5L3Rlc3QvcnVsZXMucHJvdG8SEnNsaXB3YXkudGVzdC5ydWxlcxogZ29vZ2xlL3Byb3RvYnVmL2Rlc2NyaXB0b3Iu\
            cHJvdG8iQAoEUnVsZTI4CgZ3ZWlnaHQSHi5nb29nbGUucHJvdG9idWYuTWV0aG9kT3B0aW9ucxjShgMgASgFUgZ3ZWlnaHQyBwoF\
            UnVsZWQ6NAoEcm9sZRIeLmdvb2dsZS5wcm90b2J1Zi5NZXRob2RPcHRpb25zGNGGAyABKAlSBHJvbGViBnByb3RvMw==
            """)

    private static let service = ReflectionService(services: [
        Grpc.Health.V1.Health.descriptor,
        ServiceDescriptor(fullName: "slipway.test.rules.Ruled", methods: [], file: rules),
    ])

    /// What the service says to one question, asked under each of its names.
    private func answers(
        _ question: Grpc.Reflection.V1.ServerReflectionRequest.MessageRequest?
    ) async throws -> [Grpc.Reflection.V1.ServerReflectionResponse] {
        var request = Reflection.ServerReflectionRequest()
        request.host = "here"
        request.messageRequest = question
        var answers: [Reflection.ServerReflectionResponse] = []
        try await withServer([Self.service]) { served in
            for version in ["v1", "v1alpha"] {
                let method = MethodDescriptor<
                    Grpc.Reflection.V1.ServerReflectionRequest, Grpc.Reflection.V1.ServerReflectionResponse
                >(
                    service: "grpc.reflection.\(version).ServerReflection", name: "ServerReflectionInfo",
                    shape: .bidirectional)
                answers += try await served.channel().bidirectional(method) { requests, responses in
                    try await requests.write(request)
                    try await requests.finish()
                    var found: [Reflection.ServerReflectionResponse] = []
                    for try await response in responses { found.append(response) }
                    return found
                }
            }
        }
        #expect(answers.count == 2)
        #expect(answers.allSatisfy { $0.validHost == "here" && $0.originalRequest == request })
        return answers
    }

    private func files(_ answer: Grpc.Reflection.V1.ServerReflectionResponse) -> [String] {
        guard case .fileDescriptorResponse(let found)? = answer.messageResponse else { return [] }
        return found.fileDescriptorProto.compactMap {
            try? Google.Protobuf.FileDescriptorProto(serialized: $0).name ?? "unnamed"
        }
    }

    @Test("lists the services, itself among them")
    func list() async throws {
        for answer in try await answers(.listServices("")) {
            guard case .listServicesResponse(let list)? = answer.messageResponse else {
                Issue.record("no list: \(answer)")
                continue
            }
            #expect(
                list.service.map(\.name) == [
                    "grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection",
                    "grpc.reflection.v1alpha.ServerReflection", "slipway.test.rules.Ruled",
                ])
        }
    }

    @Test("gives a file by its name, with all that it imports behind it")
    func byName() async throws {
        for answer in try await answers(.fileByFilename("slipway/test/rules.proto")) {
            #expect(files(answer) == ["slipway/test/rules.proto", "google/protobuf/descriptor.proto"])
        }
    }

    @Test(
        "gives the file of a symbol",
        arguments: ["grpc.health.v1.Health", "grpc.health.v1.Health.Check", "grpc.health.v1.HealthCheckRequest"])
    func bySymbol(_ symbol: String) async throws {
        for answer in try await answers(.fileContainingSymbol(symbol)) {
            #expect(files(answer) == ["grpc/health/v1/health.proto"])
        }
    }

    @Test("gives the file of an extension, at the top or inside a message", arguments: [50001, 50002])
    func byExtension(_ number: Int32) async throws {
        var request = Reflection.ExtensionRequest()
        request.containingType = "google.protobuf.MethodOptions"
        request.extensionNumber = number
        for answer in try await answers(.fileContainingExtension(request)) {
            #expect(files(answer).first == "slipway/test/rules.proto")
        }
        for answer in try await answers(.allExtensionNumbersOfType("google.protobuf.MethodOptions")) {
            guard case .allExtensionNumbersResponse(let found)? = answer.messageResponse else {
                Issue.record("no numbers: \(answer)")
                continue
            }
            #expect(found.extensionNumber == [50001, 50002])
        }
    }

    @Test("what is unknown is notFound, and a question for nothing invalidArgument")
    func unknown() async throws {
        var request = Reflection.ExtensionRequest()
        request.containingType = "google.protobuf.MethodOptions"
        request.extensionNumber = 1
        let questions: [(Reflection.ServerReflectionRequest.MessageRequest?, RPCCode)] = [
            (.fileByFilename("nothing.proto"), .notFound), (.fileContainingSymbol("no.such.Thing"), .notFound),
            (.fileContainingExtension(request), .notFound), (.allExtensionNumbersOfType("no.such.Thing"), .notFound),
            (nil, .invalidArgument),
        ]
        for (question, code) in questions {
            for answer in try await answers(question) {
                guard case .errorResponse(let error)? = answer.messageResponse else {
                    Issue.record("no error: \(answer)")
                    continue
                }
                #expect(Int(error.errorCode) == code.rawValue)
            }
        }
    }
}
