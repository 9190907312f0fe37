import HTTP
import Loop
import Protobuf
import Synchronization

/// What calls of one channel share.
final class ClientCore: Sendable {
    static let version = "0.1.0"

    let configuration: ChannelConfiguration
    let registry: TypeRegistry
    let userAgent: String
    let throttle: RetryThrottle
    private let running = Atomic<Int>(0)
    private let ever = Atomic<Int>(0)
    private let repeated = Atomic<Int>(0)

    init(_ configuration: ChannelConfiguration) {
        self.configuration = configuration
        registry = TypeRegistry(configuration.files)
        userAgent = (configuration.userAgent.map { $0 + " " } ?? "") + "slipway/" + ClientCore.version
        throttle = RetryThrottle(tokens: configuration.retryTokens)
    }

    var callsInFlight: Int { running.load(ordering: .relaxed) }
    var callsEver: Int { ever.load(ordering: .relaxed) }
    var attemptsRepeated: Int { repeated.load(ordering: .relaxed) }

    func callStarted() {
        running.add(1, ordering: .relaxed)
        ever.add(1, ordering: .relaxed)
    }

    func callEnded() { running.subtract(1, ordering: .relaxed) }
    func attemptRepeated() { repeated.add(1, ordering: .relaxed) }

    /// Runs a call's scope: whatever leaves it ends the call.
    func withCall<Result>(
        _ request: ClientRequest, on transport: any CallTransport, _ body: (ClientCall) async throws -> Result
    ) async throws -> Result {
        if let defect = request.metadata.defect { throw RPCError(.invalidArgument, defect) }
        let call = ClientCall(request, core: self, transport: transport)
        callStarted()
        defer {
            call.leave()
            callEnded()
        }
        call.start()
        return try await withTaskCancellationHandler {
            try await body(call)
        } onCancel: {
            call.cancel()
        }
    }
}

/// What carries a call's attempts. Confined to its loop.
protocol CallTransport: AnyObject, Sendable {
    var loop: EventLoop { get }
    /// Brings the call to a connection now or later, with `ClientCall.begin`, or fails it.
    func submit(_ call: ClientCall)
    /// The call does not want a connection any more.
    func withdraw(_ call: ClientCall)
}

/// Where an attempt goes.
protocol CallRoute: AnyObject {
    var scheme: String { get }
    var authority: String { get }
    func open(_ request: RequestHead, receiver: any HTTPStreamReceiver, end: Bool) -> HTTPStream?
    /// A server answered here: the connection is worth something.
    func heard()
}
