import CPostgreSQL
import Glibc
import Loop

/// One attempt to connect, until it is a connection or an error. Confined to its loop.
final class PostgresConnecting: @unchecked Sendable {
    typealias Completion = @Sendable (Result<PostgresChannel, PostgresError>) -> Void

    /// Watches the socket that libpq uses at the moment: it may go through several addresses.
    private final class Watch: Channel {
        let identity: UInt64
        let onReady: () -> Void

        init(_ connection: OpaquePointer, _ loop: EventLoop, _ onReady: @escaping () -> Void) {
            identity = slipway_pq_socket_identity(connection)
            self.onReady = onReady
            super.init(descriptor: PQsocket(connection), loop: loop, ownsDescriptor: false)
        }
        override func ready(_ events: ChannelEvents) { onReady() }
    }

    private let configuration: PostgresConfiguration
    private let loop: EventLoop
    private var completion: Completion?
    private var connection: OpaquePointer?
    private var watch: Watch?
    private var timer: LoopTimer?
    private var wanted = Int16(POLLOUT)

    private init(_ configuration: PostgresConfiguration, _ loop: EventLoop, _ completion: @escaping Completion) {
        self.configuration = configuration
        self.loop = loop
        self.completion = completion
    }

    /// Connects; `completion` is called once, on the loop. On the loop.
    static func start(_ configuration: PostgresConfiguration, loop: EventLoop, _ completion: @escaping Completion) {
        let attempt = PostgresConnecting(configuration, loop, completion)
        attempt.timer = loop.schedule(after: configuration.connectTimeout) {
            attempt.fail("no connection within \(configuration.connectTimeout)")
        }
        // Looking up names and reading the files of the user block.
        Task {
            let started: Result<Started, any Error>
            do {
                started = .success(try await BlockingCalls.pool().run { try Started(configuration) })
            } catch {
                started = .failure(error)
            }
            loop.run { attempt.began(started) }
        }
    }

    private struct Started: @unchecked Sendable {
        let pointer: OpaquePointer

        init(_ configuration: PostgresConfiguration) throws {
            let own = try PostgresConnectionString.parsed(configuration.connection)["options"] ?? ""
            let addresses = try HostAddresses(of: configuration.connection)
            // Later ones replace what the connection string says.
            let settings =
                [
                    ("dbname", configuration.connection), ("fallback_application_name", configuration.applicationName),
                    ("client_encoding", "UTF8"), ("options", own + " " + configuration.sessionOptions),
                ] + (addresses?.settings ?? [])
            let names = settings.map { strdup($0.0) }
            let values = settings.map { strdup($0.1) }
            defer { for text in names + values { free(text) } }
            let started = PQconnectStartParams(
                names.map { UnsafePointer($0) } + [nil], values.map { UnsafePointer($0) } + [nil], 1)
            guard let started else { throw PostgresError(.connection, "libpq is out of memory") }
            pointer = started
        }
    }

    private func began(_ started: Result<Started, any Error>) {
        switch started {
        case .failure(let error):
            finish(.failure(error as? PostgresError ?? PostgresError(.connection, "\(error)")))
        case .success(let started):
            guard completion != nil else { return PQfinish(started.pointer) }
            connection = started.pointer
            guard PQstatus(started.pointer) != CONNECTION_BAD else { return failFromLibrary() }
            // The code of an error is part of its text in this form only.
            PQsetErrorVerbosity(started.pointer, PQERRORS_VERBOSE)
            PQsetNoticeReceiver(started.pointer, { _, _ in }, nil)
            rewatch()
        }
    }

    /// Goes on as far as the socket allows now.
    private func advance() {
        while let connection, completion != nil, isReady(connection) {
            switch PQconnectPoll(connection) {
            case PGRES_POLLING_OK: return succeed(connection)
            case PGRES_POLLING_READING: wanted = Int16(POLLIN)
            case PGRES_POLLING_WRITING: wanted = Int16(POLLOUT)
            default: return failFromLibrary()
            }
            guard rewatch() else { return }
        }
    }

    /// libpq must only be asked when what it waits for came.
    private func isReady(_ connection: OpaquePointer) -> Bool {
        var watched = pollfd(fd: PQsocket(connection), events: wanted, revents: 0)
        return poll(&watched, 1, 0) > 0
    }

    @discardableResult
    private func rewatch() -> Bool {
        guard let connection else { return false }
        if let watch {
            guard watch.identity != slipway_pq_socket_identity(connection) else { return true }
            loop.remove(watch)
        }
        let watch = Watch(connection, loop) { [self] in advance() }
        self.watch = watch
        do {
            try loop.add(watch)
        } catch {
            fail("\(error)")
            return false
        }
        return true
    }

    private func succeed(_ connection: OpaquePointer) {
        self.connection = nil
        unwatch()
        do {
            finish(.success(try PostgresChannel(connection, configuration, loop)))
        } catch {
            PQfinish(connection)
            fail("\(error)")
        }
    }

    private func failFromLibrary() {
        let text = connection.flatMap { PQerrorMessage($0) }.map { String(cString: $0) } ?? ""
        finish(.failure(PostgresConnectionString.error(text)))
    }

    private func fail(_ message: String) { finish(.failure(PostgresError(.connection, message))) }

    private func finish(_ result: Result<PostgresChannel, PostgresError>) {
        timer?.cancel()
        unwatch()
        if let connection { PQfinish(connection) }
        connection = nil
        let completion = self.completion
        self.completion = nil
        completion?(result)
    }

    private func unwatch() {
        if let watch { loop.remove(watch) }
        watch = nil
    }
}

/// Threads for the calls of libpq that block: looking up names, asking a server to cancel.
enum BlockingCalls {
    private static let shared = ComputePool(threads: 4, queueLimit: 256, name: "libpq")

    static func pool() throws -> ComputePool {
        try shared.start()
        return shared
    }
}
