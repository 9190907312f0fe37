import HTTP
import Loop
import ProgramKit
import Protobuf
import RPC
import TestContracts

/// One call of the suite: from the description to the result.
struct ConformanceCall: Sendable {
    typealias Methods = Conformance.ConformanceService.Methods

    let request: Conformance.ClientCompatRequest
    let timing: CancelTiming

    init(_ request: Conformance.ClientCompatRequest) {
        self.request = request
        timing = CancelTiming(request.cancel)
    }

    /// - Throws: what keeps the call from being made at all.
    func run(_ loops: LoopGroup) async throws -> Conformance.ClientResponseResult {
        guard request.rawRequest == nil else { throw FlagError("raw requests are for reference clients") }
        let service = Conformance.ConformanceService.descriptor.fullName
        guard request.service ?? service == service else {
            throw FlagError("the service \(request.service ?? "") is unknown")
        }
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let channel = NetworkChannel(
            .tcp(host: request.host, port: Int(request.port)), loops: loops,
            configuration: try ChannelConfiguration(request, folder))
        do {
            let result = try await call(channel)
            await channel.close(grace: .zero)
            return result
        } catch {
            await channel.close(grace: .zero)
            throw error
        }
    }

    private func call(_ channel: NetworkChannel) async throws -> Conformance.ClientResponseResult {
        switch request.method ?? defaultMethod {
        case "Unary": try await single(channel, Methods.unary) { $0.payload }
        case "IdempotentUnary": try await single(channel, Methods.idempotentUnary) { $0.payload }
        case "Unimplemented": try await single(channel, Methods.unimplemented) { _ in nil }
        case "ServerStream": try await serverStream(channel, Methods.serverStream) { $0.payload }
        case "ClientStream": try await clientStream(channel, Methods.clientStream) { $0.payload }
        case "BidiStream": try await bidirectional(channel, Methods.bidiStream) { $0.payload }
        case let name: throw FlagError("the method \(name) is unknown")
        }
    }

    private var defaultMethod: String {
        switch request.streamType {
        case .clientStream: "ClientStream"
        case .serverStream: "ServerStream"
        case .halfDuplexBidiStream, .fullDuplexBidiStream: "BidiStream"
        default: "Unary"
        }
    }

    // MARK: the shapes

    private func single<Request: Message, Response: Message>(
        _ channel: NetworkChannel, _ method: MethodDescriptor<Request, Response>,
        _ payload: @Sendable (Response) -> Conformance.ConformancePayload?
    ) async throws -> Conformance.ClientResponseResult {
        let message = try onlyMessage(of: Request.self)
        return try await channel.withCall(clientRequest(method)) { call in
            var report = Report()
            await report.watch {
                try await call.sendOnly(message)
                cancelAfterSending(call)
                let response: Response = try await call.onlyMessage()
                return [payload(response) ?? Conformance.ConformancePayload()]
            }
            return await report.result(call)
        }
    }

    private func serverStream<Request: Message, Response: Message>(
        _ channel: NetworkChannel, _ method: MethodDescriptor<Request, Response>,
        _ payload: (Response) -> Conformance.ConformancePayload?
    ) async throws -> Conformance.ClientResponseResult {
        let message = try onlyMessage(of: Request.self)
        return try await channel.withCall(clientRequest(method)) { call in
            var report = Report()
            do {
                try await call.sendOnly(message)
                cancelAfterSending(call)
                try await readRest(call, of: Response.self, payload, &report)
            } catch { report.error = RPCError(error) }
            return await report.result(call)
        }
    }

    private func clientStream<Request: Message, Response: Message>(
        _ channel: NetworkChannel, _ method: MethodDescriptor<Request, Response>,
        _ payload: (Response) -> Conformance.ConformancePayload?
    ) async throws -> Conformance.ClientResponseResult {
        let messages = try allMessages(of: Request.self)
        return try await channel.withCall(clientRequest(method)) { call in
            var report = Report()
            do {
                if try await write(messages, to: call.requests(), &report) {
                    try await finish(call, call.requests(of: Request.self))
                }
                let response: Response = try await call.onlyMessage()
                report.payloads.append(payload(response) ?? Conformance.ConformancePayload())
            } catch { report.error = RPCError(error) }
            return await report.result(call)
        }
    }

    private func bidirectional<Request: Message, Response: Message>(
        _ channel: NetworkChannel, _ method: MethodDescriptor<Request, Response>,
        _ payload: (Response) -> Conformance.ConformancePayload?
    ) async throws -> Conformance.ClientResponseResult {
        let messages = try allMessages(of: Request.self)
        let isFullDuplex = request.streamType == .fullDuplexBidiStream
        return try await channel.withCall(clientRequest(method)) { call in
            var report = Report()
            do {
                let requests = call.requests(of: Request.self)
                if isFullDuplex {
                    try await converse(messages, call, of: Response.self, payload, &report)
                } else {
                    _ = try await write(messages, to: requests, &report)
                }
                try await finish(call, requests)
                try await readRest(call, of: Response.self, payload, &report)
            } catch { report.error = RPCError(error) }
            return await report.result(call)
        }
    }

    // MARK: parts of calls

    /// Writes all messages. False where the call ended before; reading tells why.
    private func write<Request: Message>(
        _ messages: [Request], to requests: RequestWriter<Request>, _ report: inout Report
    ) async throws -> Bool {
        for (index, message) in messages.enumerated() {
            try await pause(request.requestDelayMs)
            do { try await requests.write(message) } catch {
                report.unsent = messages.count - index
                return false
            }
        }
        return true
    }

    /// Reads one response after each request.
    private func converse<Request: Message, Response: Message>(
        _ messages: [Request], _ call: ClientCall, of type: Response.Type,
        _ payload: (Response) -> Conformance.ConformancePayload?, _ report: inout Report
    ) async throws {
        let requests = call.requests(of: Request.self)
        var responses = call.responses(of: Response.self).makeAsyncIterator()
        for (index, message) in messages.enumerated() {
            try await pause(request.requestDelayMs)
            do { try await requests.write(message) } catch {
                report.unsent = messages.count - index
                return
            }
            if timing == .afterResponses(report.payloads.count) { call.cancel() }
            report.unsent = messages.count - index - 1
            guard let response = try await responses.next() else { return }
            report.unsent = 0
            report.payloads.append(payload(response) ?? Conformance.ConformancePayload())
            if timing == .afterResponses(report.payloads.count) { call.cancel() }
        }
    }

    private func finish<Request: Message>(_ call: ClientCall, _ requests: RequestWriter<Request>) async throws {
        if timing == .beforeClosing { call.cancel() }
        try await requests.finish()
        cancelAfterSending(call)
    }

    private func readRest<Response: Message>(
        _ call: ClientCall, of type: Response.Type, _ payload: (Response) -> Conformance.ConformancePayload?,
        _ report: inout Report
    ) async throws {
        if timing == .afterResponses(report.payloads.count) { call.cancel() }
        for try await response in call.responses(of: Response.self) {
            report.payloads.append(payload(response) ?? Conformance.ConformancePayload())
            if timing == .afterResponses(report.payloads.count) { call.cancel() }
        }
    }

    /// Cancels a while after the requests ended, however far the call is then.
    private func cancelAfterSending(_ call: ClientCall) {
        guard case .afterClosing(let milliseconds) = timing else { return }
        if milliseconds == 0 { return call.cancel() }
        Task {
            try await Task.sleep(for: .milliseconds(Int64(milliseconds)))
            call.cancel()
        }
    }

    private func pause(_ milliseconds: UInt32) async throws {
        if milliseconds > 0 { try await Task.sleep(for: .milliseconds(Int64(milliseconds))) }
    }

    // MARK: what is sent

    private func clientRequest<Request: Message, Response: Message>(
        _ method: MethodDescriptor<Request, Response>
    ) -> ClientRequest {
        var metadata = Metadata()
        for header in request.requestHeaders { for value in header.value { metadata.add(header.name, value) } }
        let timeout = request.timeoutMs.map { Duration.milliseconds(Int64($0)) }
        return ClientRequest(method: method.method, metadata: metadata, options: CallOptions(timeout: timeout))
    }

    private func allMessages<Request: Message>(of type: Request.Type) throws -> [Request] {
        try request.requestMessages.map { any in
            let name = any.typeUrl.split(separator: "/").last ?? ""
            guard name == Request.messageName else { throw FlagError("\(name) is not \(Request.messageName)") }
            return try Request(serialized: any.value)
        }
    }

    private func onlyMessage<Request: Message>(of type: Request.Type) throws -> Request {
        let messages = try allMessages(of: type)
        guard messages.count == 1 else { throw FlagError("one request was expected, not \(messages.count)") }
        return messages[0]
    }
}

/// When to give the call up.
enum CancelTiming: Equatable {
    case never
    case beforeClosing
    case afterClosing(milliseconds: UInt32)
    case afterResponses(Int)

    init(_ cancel: Conformance.ClientCompatRequest.Cancel?) {
        switch cancel?.cancelTiming {
        case .beforeCloseSend: self = .beforeClosing
        case .afterCloseSendMs(let milliseconds): self = .afterClosing(milliseconds: milliseconds)
        case .afterNumResponses(let count): self = .afterResponses(Int(count))
        case nil: self = cancel == nil ? .never : .afterClosing(milliseconds: 0)
        }
    }
}
