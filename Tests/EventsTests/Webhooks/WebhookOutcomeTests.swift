import Testing

@testable import EventsCore

@Suite("What receivers do") struct WebhookOutcomeTests {
    private func outcome(
        seconds: Int64 = 20, _ answer: @escaping @Sendable (String) -> [RawReceiver.Act]
    ) async throws -> DeliveryOutcome {
        let receiver = try RawReceiver(answer)
        defer { receiver.stop() }
        return try await Sending.with { sender in
            await sender.send(
                [.sample()], to: Sending.webhook(receiver.url, seconds: seconds),
                attempt: DeliveryAttempt(id: "d1", number: 1))
        }
    }

    @Test(
        "a status decides what becomes of a delivery",
        arguments: [
            ("200 OK", .delivered), ("201 Created", .delivered), ("202 Accepted", .delivered),
            ("204 No Content", .delivered),
            ("206 Partial", .failed(retryAfter: nil)), ("400 Bad", .refused), ("401 No", .refused),
            ("403 No", .refused),
            ("413 Large", .refused), ("404 Gone astray", .failed(retryAfter: nil)), ("410 Gone", .gone),
            ("500 Oops", .failed(retryAfter: nil)), ("502 Bad", .failed(retryAfter: nil)),
        ] as [(String, DeliveryOutcome.Kind)])
    func statuses(_ line: String, _ kind: DeliveryOutcome.Kind) async throws {
        let outcome = try await outcome { _ in [.status(line)] }
        #expect(outcome.kind == kind)
        #expect("\(outcome.status)" == line.prefix(3))
        #expect(outcome.description.hasPrefix(line.prefix(3)))
    }

    @Test("the beginning of what a receiver says is kept, without what could move a cursor")
    func words() async throws {
        let outcome = try await outcome { _ in [.status("503 Busy", body: "try\r\n\u{1b}[2Jlater  please")] }
        #expect(outcome.description == "503 Service Unavailable: try [2Jlater please")
    }

    @Test(
        "Retry-After is obeyed of 429 and 503, in seconds and as a date",
        arguments: [
            ("429 Slow", "120", 120), ("503 Busy", "Sat, 31 Jan 2026 12:10:00 GMT", 600),
            ("503 Busy", "Sat, 31 Jan 2026 11:00:00 GMT", 0), ("429 Slow", "soon", nil), ("500 Oops", "120", nil),
            ("429 Slow", "-5", nil),
        ] as [(String, String, Int?)])
    func retryAfter(_ line: String, _ value: String, _ seconds: Int?) async throws {
        let outcome = try await outcome { _ in [.status(line, "Retry-After: \(value)\r\n")] }
        #expect(outcome.kind == .failed(retryAfter: seconds.map { .seconds($0) }))
    }

    @Test("a redirect is not followed, and says so")
    func redirect() async throws {
        let outcome = try await outcome { _ in
            [.status("302 Found", "Location: http://169.254.169.254/latest/meta-data\r\n")]
        }
        #expect(outcome.kind == .failed(retryAfter: nil))
        #expect(
            outcome.description
                == "302 Found: redirects are not followed, not even to http://169.254.169.254/latest/meta-data")
    }

    @Test("a receiver that hangs is given up in time")
    func hangs() async throws {
        let outcome = try await outcome(seconds: 1) { _ in [.hang] }
        #expect(outcome.kind == .failed(retryAfter: nil))
        #expect(outcome.description == "no answer within 1 s")
        #expect(outcome.status == 0)
    }

    @Test("an answer that comes byte by byte and not in time is none")
    func drips() async throws {
        let outcome = try await outcome(seconds: 1) { _ in
            [.drip("HTTP/1.1 200 OK\r\nX: \(String(repeating: "x", count: 4000))\r\n")]
        }
        #expect(outcome.description == "no answer within 1 s")
    }

    @Test("a body that never ends takes nothing from the status")
    func endless() async throws {
        let hanging = try await outcome(seconds: 1) { _ in
            [.say("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"), .hang]
        }
        #expect(hanging.kind == .delivered)
        let huge = try await outcome { _ in [.say("HTTP/1.1 500 Oops\r\n\r\n"), .flood(1 << 30)] }
        #expect(huge.kind == .failed(retryAfter: nil))
        #expect(huge.description.utf8.count < 300)
    }

    @Test(
        "what is no answer is told as it is",
        arguments: [
            "garbage that is no HTTP\r\n\r\n", "HTTP/9.9 200 OK\r\n\r\n", "HTTP/1.1 20x OK\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", "SSH-2.0-OpenSSH\r\n",
        ])
    func garbage(_ text: String) async throws {
        let outcome = try await outcome(seconds: 5) { _ in [.say(text)] }
        #expect(outcome.kind == .failed(retryAfter: nil))
        #expect(outcome.status == 0)
        #expect(!outcome.description.isEmpty)
    }

    @Test("a receiver that closes before its answer is tried once more at once, and no oftener")
    func closes() async throws {
        let receiver = try RawReceiver { _ in [] }
        defer { receiver.stop() }
        let outcome = try await Sending.with { sender in
            await sender.send(
                [.sample()], to: Sending.webhook(receiver.url), attempt: DeliveryAttempt(id: "d1", number: 1))
        }
        #expect(outcome.kind == .failed(retryAfter: nil))
        #expect(outcome.description.contains("closed"))
        #expect(receiver.seen.count == 2)
    }

    @Test("a port where nobody listens is unreachable")
    func nobody() async throws {
        let receiver = try RawReceiver { _ in [] }
        let url = receiver.url
        receiver.stop()
        let outcome = try await Sending.with { sender in
            await sender.send([.sample()], to: Sending.webhook(url), attempt: DeliveryAttempt(id: "d1", number: 1))
        }
        #expect(outcome.kind == .failed(retryAfter: nil))
        #expect(outcome.description.contains("refused"), "\(outcome.description)")
    }
}
