import Testing

@testable import EventsCore

@Suite("Where webhooks may go") struct WebhookGuardTests {
    @Test(
        "an address of the house is refused, however it is written",
        arguments: [
            "http://127.0.0.1/", "http://10.1.2.3/", "http://169.254.169.254/latest", "http://[::1]/",
            "http://0.0.0.0/",
            "http://[::ffff:10.0.0.1]/", "http://[64:ff9b::a00:1]/", "http://[2002:a00:1::1]/", "http://2130706433/",
            "http://0x7f.1/", "http://127.1/", "http://[fd00:ec2::254]/", "http://[fe80::1]/", "http://100.64.0.1/",
            "http://224.0.0.1/", "http://255.255.255.255/", "http://192.168.0.1:8080/x", "http://localhost/",
        ])
    func refused(_ url: String) async throws {
        let error = await #expect(throws: DestinationError.self) {
            try await Sending.with(allowing: []) { try await $0.check(Sending.webhook(url).destination) }
        }
        #expect(error?.reason == .forbidden, "\(url) \(error?.description ?? "")")
        let outcome = try await Sending.with(allowing: []) { sender in
            await sender.send([.sample()], to: Sending.webhook(url), attempt: DeliveryAttempt(id: "d", number: 1))
        }
        #expect(outcome.kind == .failed(retryAfter: nil))
        #expect(outcome.description.contains("which the settings do not allow"), "\(outcome.description)")
    }

    @Test(
        "a name that means another address at each look is checked each time, and only what was checked is connected to"
    )
    func rebinding() async throws {
        let receiver = try RawReceiver { _ in [.status("200 OK")] }
        defer { receiver.stop() }
        // Allowed at first, then the machine itself: the receiver at 127.0.0.1 must not hear of the second.
        let lookup = ScriptedLookup(["127.0.0.2"], ["127.0.0.1"])
        try await Sending.with(allowing: ["127.0.0.2"], lookup: lookup) { sender in
            let destination = Sending.webhook("http://rebind.example.org:\(receiver.port)/")
            try await sender.check(destination.destination)
            let outcome = await sender.send([.sample()], to: destination, attempt: DeliveryAttempt(id: "d", number: 1))
            #expect(outcome.description.hasPrefix("127.0.0.1 is this machine"))
        }
        #expect(receiver.seen.isEmpty)
    }

    @Test("a connection that is kept is not used for a name that means something forbidden by now")
    func reuse() async throws {
        let receiver = try RawReceiver { _ in [.status("200 OK")] }
        defer { receiver.stop() }
        let lookup = ScriptedLookup(["127.0.0.1"], ["10.0.0.1"])
        try await Sending.with(lookup: lookup) { sender in
            let destination = Sending.webhook("http://hooks.example.org:\(receiver.port)/")
            let first = await sender.send([.sample()], to: destination, attempt: DeliveryAttempt(id: "1", number: 1))
            #expect(first.kind == .delivered)
            let second = await sender.send([.sample()], to: destination, attempt: DeliveryAttempt(id: "2", number: 1))
            #expect(second.description.hasPrefix("10.0.0.1 is in a private network"))
        }
        #expect(receiver.seen.count == 1)
    }

    @Test("of several addresses those that are allowed are used, and a host that is listed may have any")
    func several() async throws {
        let receiver = try RawReceiver { _ in [.status("200 OK")] }
        defer { receiver.stop() }
        let url = "http://Hooks.Example.org:\(receiver.port)/"
        for allowing in [["127.0.0.0/8"], ["hooks.example.org"]] {
            let lookup = ScriptedLookup(
                ["10.0.0.1", "127.0.0.1"].filter { allowing[0].contains("/") || $0 != "10.0.0.1" })
            let outcome = try await Sending.with(allowing: allowing, lookup: lookup) { sender in
                await sender.send([.sample()], to: Sending.webhook(url), attempt: DeliveryAttempt(id: "d", number: 1))
            }
            #expect(outcome.kind == .delivered, "\(outcome.description)")
        }
        #expect(receiver.seen.allSatisfy { $0.contains("Hooks.Example.org:\(receiver.port)") })
    }

    @Test(
        "an address that is none is refused",
        arguments: [
            "ftp://example.org/", "http://", "http:///x", "http://user:pw@example.org/", "http://example.org/#f",
            "http://exa mple.org/", "http://example.org:0/", "http://example.org:99999/", "http://:80/", "example.org",
            "http://example.org/\r\nX: y", "http://exämple.org/",
        ])
    func invalid(_ url: String) {
        #expect(throws: DestinationError.self) { try WebhookAddress(url) }
    }

    @Test(
        "a header that belongs to the delivery is refused by name",
        arguments: [
            ("Host", "x"), ("content-length", "1"), ("Connection", "close"), ("ce-id", "1"),
            ("Webhook-Signature", "v1"),
            ("bad name", "x"), ("", "x"), ("x", "a\r\nb"), ("Transfer-Encoding", "chunked"), ("traceparent", "x"),
        ])
    func headers(_ name: String, _ value: String) {
        #expect(throws: DestinationError.self) { try WebhookHeaders.check([(name: name, value: value)]) }
        #expect(throws: Never.self) { try WebhookHeaders.check([(name: "Authorization", value: "Bearer x")]) }
    }
}
