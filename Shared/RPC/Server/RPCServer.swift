import HTTP
import Loop
import Protobuf

/// Leads HTTP requests to services: gRPC and Connect calls by their path, everything else to a fallback.
///
/// It is the handler of an `HTTPServer`; the two are made and stopped apart, so that one set of services can be offered
/// on several servers and in process.
public final class RPCServer: HTTPServerHandler {
    public let configuration: RPCServerConfiguration
    /// Everything that is offered, for reflection and for checks such as "every method declares a role".
    public let methods: [AnyMethod]
    let core: RPCServerCore
    private let table: MethodTable
    private let serviceNames: Set<String>
    private let fallback: (any HTTPServerHandler)?

    /// - Parameter fallback: hears the requests that are no calls; they get a JSON 404 where nil.
    public init(
        services: [any RPCService], interceptors: [any ServerInterceptor] = [],
        configuration: RPCServerConfiguration = RPCServerConfiguration(), fallback: (any HTTPServerHandler)? = nil
    ) {
        self.configuration = configuration
        self.fallback = fallback
        let handlers = services.flatMap { $0.handlers() }
        methods = handlers.map(\.method)
        table = MethodTable(handlers)
        serviceNames = Set(handlers.map(\.method.service))
        core = RPCServerCore(configuration, interceptors: interceptors)
    }

    /// Calls that run now.
    public var callsInFlight: Int { core.callsInFlight }
    /// Bytes of large messages that handlers have not taken yet; see `RPCServerConfiguration.bufferedBytes`.
    public var bufferedBytes: Int { core.budget.usedBytes }
    /// Calls that were ever begun.
    public var callsEver: Int { core.callsEver }

    public func receiver(for stream: HTTPStream) -> any HTTPStreamReceiver {
        let request = stream.request
        guard let handler = table.find(request) else { return unknown(stream) }
        do {
            switch try RequestForm(request, handler.method, messageBytes: configuration.messageBytes) {
            case .grpc(let form): return startGRPC(stream, handler, form)
            case .connect(let form): return startConnect(stream, handler, form)
            case .preflight: return answerPreflight(stream)
            }
        } catch {
            return refuse(stream, error)
        }
    }

    // MARK: starting a call

    private func startGRPC(
        _ stream: HTTPStream, _ handler: MethodHandler, _ form: RequestForm.GRPC
    ) -> any HTTPStreamReceiver {
        let writer = GRPCDialect(contentType: form.contentType, acceptsGzip: form.acceptsGzip)
        let input = CallInput.framed(limit: configuration.messageBytes, compression: form.compression)
        return start(stream, handler, .grpc, form.codec, form.timeout, input, .grpc(writer)) { error in
            GRPCDialect.refuse(GRPCDialect.trailers(error), form.contentType, on: stream)
        }
    }

    private func startConnect(
        _ stream: HTTPStream, _ handler: MethodHandler, _ form: RequestForm.Connect
    ) -> any HTTPStreamReceiver {
        let extra = crossOriginFields(stream.request)
        let limit = configuration.messageBytes
        if form.isUnary {
            let input =
                form.messageInHead.map { CallInput.inHead($0) }
                ?? .whole(limit: limit, compression: form.compression)
            let writer = ConnectUnaryDialect(acceptsGzip: form.acceptsGzip, extraFields: extra)
            return start(stream, handler, .connectUnary, form.codec, form.timeout, input, .connect(writer)) { error in
                ConnectUnaryDialect.refuse(error, error.metadata, extra, on: stream)
            }
        }
        let input = CallInput.framed(limit: limit, compression: form.compression)
        let writer = ConnectStreamingDialect(acceptsGzip: form.acceptsGzip, extraFields: extra)
        return start(stream, handler, .connectStreaming, form.codec, form.timeout, input, .connect(writer)) { error in
            ConnectStreamingDialect.refuse(error, form.codec, extra, on: stream)
        }
    }

    private func start(
        _ stream: HTTPStream, _ handler: MethodHandler, _ dialect: Dialect, _ codec: Codec, _ timeout: Duration?,
        _ input: CallInput, _ writer: ResponseWriting, refuse: (RPCError) -> Void
    ) -> any HTTPStreamReceiver {
        guard core.callsInFlight < configuration.callsInFlight else {
            refuse(
                .retryLater(
                    .resourceExhausted,
                    "\(configuration.callsInFlight) calls run already (setting callsInFlight); try again later",
                    after: configuration.retryDelay))
            return DiscardingReceiver(stream)
        }
        let context = ServerContext(
            method: handler.method, dialect: dialect, codec: codec, stream: stream, timeout: timeout)
        let call = ServerCall(
            context: context, stream: stream, core: core, handler: handler, input: input, writer: writer)
        call.start()
        return call
    }

    // MARK: requests that are no calls

    private func unknown(_ stream: HTTPStream) -> any HTTPStreamReceiver {
        if RequestForm.isGRPC(stream.request) {
            let path = stream.request.path
            let service = path.dropFirst().prefix { $0 != "/" }
            let message =
                serviceNames.contains(String(service))
                ? "the service has no method for \(path)" : "there is no service for \(path)"
            GRPCDialect.refuse(GRPCDialect.trailers(RPCError(.unimplemented, message)), nil, on: stream)
            return DiscardingReceiver(stream)
        }
        if let fallback { return fallback.receiver(for: stream) }
        return refuse(
            stream,
            RequestRefusal(status: 404, error: RPCError(.notFound, "there is nothing at \(stream.request.path)")))
    }

    private func refuse(_ stream: HTTPStream, _ refusal: RequestRefusal) -> any HTTPStreamReceiver {
        if refusal.asGRPC {
            GRPCDialect.refuse(GRPCDialect.trailers(refusal.error), nil, on: stream)
        } else if let codec = refusal.streamCodec {
            ConnectStreamingDialect.refuse(refusal.error, codec, crossOriginFields(stream.request), on: stream)
        } else {
            var fields = crossOriginFields(stream.request)
            for (name, value) in refusal.fields { fields.add(name, value) }
            ConnectUnaryDialect.refuse(
                refusal.error, refusal.error.metadata, fields, status: refusal.status, on: stream)
        }
        return DiscardingReceiver(stream)
    }

    private func crossOriginFields(_ request: RequestHead) -> HeaderFields {
        guard let policy = configuration.crossOrigin else { return [:] }
        // Said to everybody, or a cache would give one origin the answer to another.
        guard let origin = request.fields["origin"], let allowed = policy.allowed(origin) else {
            return ["vary": "origin"]
        }
        return ["access-control-allow-origin": allowed, "vary": "origin", "access-control-expose-headers": "*"]
    }

    private func answerPreflight(_ stream: HTTPStream) -> any HTTPStreamReceiver {
        var fields = crossOriginFields(stream.request)
        if let policy = configuration.crossOrigin, fields.contains("access-control-allow-origin") {
            fields.add("access-control-allow-methods", "GET, POST")
            let wanted = stream.request.fields["access-control-request-headers"]
            fields.add(
                "access-control-allow-headers", wanted ?? "content-type, connect-protocol-version, connect-timeout-ms")
            fields.add("access-control-max-age", "\(policy.maximumAge.components.seconds)")
        }
        stream.send(ResponseHead(status: 204, fields: fields), end: true)
        return DiscardingReceiver(stream)
    }
}

/// Lets a body go by after the answer was given.
final class DiscardingReceiver: HTTPStreamReceiver {
    private var stream: HTTPStream?
    init(_ stream: HTTPStream) { self.stream = stream }
    func received(body: UnsafeRawBufferPointer) { stream?.consumed(body.count) }
    func receivedEnd(trailers: HeaderFields?) {}
    func closed(_ closure: StreamClosure) { stream = nil }
}
