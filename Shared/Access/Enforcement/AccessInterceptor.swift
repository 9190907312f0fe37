import Loop
import RPC

/// Puts `AccessControl` in front of a server's methods, by what each of them declares.
public final class AccessInterceptor: ServerInterceptor {
    private let control: AccessControl
    /// Held, so that what is known by reference stays what it is.
    private let methods: [AnyMethod]
    private let requirements: [ObjectIdentifier: Requirement]

    /// - Parameters:
    ///   - services: all that the server offers; what they declare is read once.
    ///   - foreign: what methods of others' contracts ask, which can't carry our option, by path. A method that declares
    ///     something for itself is not looked up here.
    public init(_ control: AccessControl, services: [any RPCService], foreign: [String: Requirement] = [:]) {
        self.control = control
        methods = services.flatMap { $0.handlers().map(\.method) }
        var requirements: [ObjectIdentifier: Requirement] = [:]
        for method in methods {
            requirements[ObjectIdentifier(method)] = Requirement(declaredBy: method) ?? foreign[method.path]
        }
        self.requirements = requirements
    }

    /// Methods that declare nothing, which are denied to everybody. A program that offers any should not start.
    public var undeclared: [AnyMethod] { methods.filter { requirements[ObjectIdentifier($0)] == nil } }

    public func intercept(_ context: ServerContext, next: (ServerContext) async throws -> Void) async throws {
        let method = context.method
        let requirement = requirements[ObjectIdentifier(method)] ?? Requirement(declaredBy: method)
        let question = AccessControl.Question(requirement, context.request.fields, context.peer, method.path)
        if let caller = try control.atOnce(question) {
            context.caller = caller
        } else {
            context.caller = try await control.afterAsking(question)
        }
        guard method.shape != .unary, requirement != .anyone else { return try await next(context) }
        let watch = CallWatch(control, question, context)
        defer { watch.stop() }
        try await next(context)
    }
}

private enum CallerKey: ServerContextKey { typealias Value = Caller }

extension ServerContext {
    /// Who calls, and what they are in the workspace of the call. Anonymous where no `AccessInterceptor` was passed.
    public internal(set) var caller: Caller {
        get { self[CallerKey.self] ?? .anonymous }
        set { self[CallerKey.self] = newValue }
    }
}

/// Ends a call that lasts when its caller is no longer allowed it: a stream may be open for days. Confined to the call's
/// loop.
private final class CallWatch: @unchecked Sendable {
    private let control: AccessControl
    private let question: AccessControl.Question
    private let context: ServerContext
    private var isStopped = false
    private var timer: LoopTimer?

    init(_ control: AccessControl, _ question: AccessControl.Question, _ context: ServerContext) {
        self.control = control
        self.question = question
        self.context = context
        context.loop.run { self.schedule() }
    }

    func stop() {
        context.loop.run { [self] in
            isStopped = true
            timer?.cancel()
            timer = nil
        }
    }

    private func schedule() {
        guard !isStopped else { return }
        timer = context.loop.schedule(after: control.recheckInterval) { [self] in
            _ = Task(executorPreference: context.loop) { await self.check() }
        }
    }

    private func check() async {
        let failure = await failure()
        context.loop.run { [self] in
            guard !isStopped else { return }
            guard let failure else { return schedule() }
            context.end(failure)
        }
    }

    /// Why the call must end; nil while it may go on, or nobody can say.
    private func failure() async -> RPCError? {
        do {
            if try control.atOnce(question) == nil { _ = try await control.afterAsking(question) }
            return nil
        } catch {
            let failure = RPCError(error)
            return [.unauthenticated, .permissionDenied, .notFound].contains(failure.code) ? failure : nil
        }
    }
}
