import Loop

/// Notifications of some channels, over connections that are replaced when they break.
///
/// `.gap` comes first, and again whenever notifications may have been missed: after a new connection, and after an
/// overflow. Whoever follows a state reads all of it then.
public struct PostgresNotifications: AsyncSequence, Sendable {
    public enum Element: Hashable, Sendable {
        case gap
        case notification(PostgresNotification)
    }
    /// So many wait for their reader at most; then they become a gap.
    public static let waitingMax = 10_000

    let configuration: PostgresConfiguration
    let channels: [String]
    let loop: EventLoop

    public init(_ configuration: PostgresConfiguration, channels: [String], on loop: EventLoop) {
        self.configuration = configuration
        self.channels = channels
        self.loop = loop
    }

    public func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(listener: PostgresListener(configuration, channels, loop))
    }

    public struct AsyncIterator: AsyncIteratorProtocol {
        let listener: PostgresListener

        /// Never nil: it ends by throwing.
        /// - Throws: `CancellationError`, or `PostgresError` where the server refuses for good.
        public mutating func next() async throws -> Element? { try await listener.next() }
    }
}

extension PostgresPool {
    /// Notifications of these channels, on a connection of their own.
    public func notifications(_ channels: String...) -> PostgresNotifications {
        PostgresNotifications(configuration, channels: channels, on: nextReaders().loop)
    }
}

/// One listening connection at a time, and what it has received. State is confined to the loop.
final class PostgresListener: @unchecked Sendable {
    private typealias Element = PostgresNotifications.Element
    private enum Step: Sendable {
        case element(PostgresNotifications.Element)
        case disconnected
    }

    private let configuration: PostgresConfiguration
    private let channels: [String]
    private let loop: EventLoop
    private var pending = FIFO<PostgresNotifications.Element>()
    private var connection: PostgresConnection?
    private var waiting: CheckedContinuation<Step, any Error>?
    private var isCancelled = false
    private var checkTimer: LoopTimer?

    init(_ configuration: PostgresConfiguration, _ channels: [String], _ loop: EventLoop) {
        self.configuration = configuration
        self.channels = channels
        self.loop = loop
    }

    deinit { connection?.close() }

    func next() async throws -> PostgresNotifications.Element {
        while true {
            switch try await step() {
            case .element(let element): return element
            case .disconnected: try await connect()
            }
        }
    }

    private func step() async throws -> Step {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                loop.run { [self] in
                    if isCancelled { return continuation.resume(throwing: CancellationError()) }
                    waiting = continuation
                    deliver()
                }
            }
        } onCancel: {
            loop.run { [self] in
                isCancelled = true
                let waiting = self.waiting
                self.waiting = nil
                waiting?.resume(throwing: CancellationError())
                connection?.close()
                connection = nil
            }
        }
    }

    private func deliver() {
        guard let waiting else { return }
        if let element = pending.popFirst() {
            self.waiting = nil
            waiting.resume(returning: .element(element))
        } else if connection == nil {
            self.waiting = nil
            waiting.resume(returning: .disconnected)
        }
    }

    private func connect() async throws {
        var failures = 0
        while true {
            do {
                let connection = try await PostgresConnection.connect(configuration, on: loop)
                // Set before LISTEN, so that nothing falls between.
                try await loop.submit { [self] in attach(connection) }
                for channel in channels {
                    _ = try await connection.run(
                        "LISTEN \(identifier: channel)", effect: .read, timeout: nil, form: .unprepared)
                }
                return try await loop.submit { [self] in
                    pending.append(.gap)
                    watch(connection)
                }
            } catch let error as PostgresError where !error.isPermanentRefusal {
                failures += 1
                let limit = Duration.milliseconds(20) * (1 << min(failures, 6))
                try await loop.sleep(for: limit * Double.random(in: 0.5...1))
            }
        }
    }

    private func attach(_ connection: PostgresConnection) {
        self.connection = connection
        connection.channel.notificationHandler = { [weak self] in self?.receive($0) }
        connection.onClose { [weak self, weak connection] in
            guard let self, let connection, self.connection === connection else { return }
            self.connection = nil
            deliver()
        }
    }

    private func receive(_ notification: PostgresNotification) {
        if pending.count >= PostgresNotifications.waitingMax {
            pending.removeAll()
            pending.append(.gap)
        }
        pending.append(.notification(notification))
        deliver()
    }

    /// A server that went silently is noticed by asking it now and then.
    private func watch(_ connection: PostgresConnection) {
        checkTimer?.cancel()
        checkTimer = loop.schedule(after: .seconds(15)) { [weak self, weak connection] in
            guard let self, let connection, self.connection === connection else { return }
            connection.check { [weak self] isAlive in
                if isAlive { self?.watch(connection) } else { connection.close() }
            }
        }
    }
}
