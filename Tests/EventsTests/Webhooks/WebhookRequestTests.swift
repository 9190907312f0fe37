import Protobuf
import ServiceKit
import Testing

@testable import EventsCore

@Suite("What receivers get") struct WebhookRequestTests {
    private func request(
        _ destination: (String) -> DestinationSpecification, _ batch: [EventRecord] = [.sample()],
        eventBytesMax: Int = 64 * 1024
    ) async throws -> (head: String, body: String) {
        let receiver = try RawReceiver { _ in [.status("204 No Content")] }
        defer { receiver.stop() }
        let outcome = try await Sending.with(eventBytesMax: eventBytesMax) { sender in
            await sender.send(batch, to: destination(receiver.url), attempt: DeliveryAttempt(id: "d1", number: 1))
        }
        #expect(outcome.kind == .delivered, "\(outcome.description)")
        let parts = try #require(receiver.seen.first).split(separator: "\r\n\r\n", maxSplits: 1).map(String.init)
        return (parts.first ?? "", parts.count > 1 ? parts[1] : "")
    }

    @Test("a structured delivery is one JSON document with every attribute")
    func structured() async throws {
        let (head, body) = try await request({ Sending.webhook($0) })
        #expect(head.hasPrefix("POST /hook HTTP/1.1\r\n"))
        #expect(head.contains("content-type: application/cloudevents+json; charset=utf-8\r\n"))
        #expect(head.contains("webhook-request-origin: suite.example.org"))
        let event = try #require(EventValue(json: body))
        #expect(event["specversion"] == "1.0")
        #expect(event["id"] == "4711")
        #expect(event["time"] == "2026-01-31T12:00:00.000000Z")
        #expect(event["workspace"] == "default")
        #expect(event["sequence"] == "00000000000000000812-0000000000000004711")
        #expect(event["data"]?["tags"]?["team"] == "growth")
    }

    @Test("a binary delivery has the data for its body and the attributes in headers, percent-encoded")
    func binary() async throws {
        let event = EventRecord.sample(subject: "models/Euro € \"%", trace: "4bf92f3577b34da6a3ce929d0e0e4736")
        let (head, body) = try await request({ Sending.webhook($0, .binary) }, [event])
        #expect(body == event.data)
        #expect(head.contains("content-type: application/json\r\n"))
        #expect(head.contains("ce-subject: models/Euro%20%E2%82%AC%20%22%25\r\n"))
        #expect(head.contains("ce-traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000001267-01"))
        #expect(!head.contains("ce-data:") && !head.contains("ce-datacontenttype"))
    }

    @Test("a batch is an array of events")
    func batch() async throws {
        let (head, body) = try await request({ Sending.webhook($0, .batch) }, [.sample(id: 1), .sample(id: 2)])
        #expect(head.contains("content-type: application/cloudevents-batch+json; charset=utf-8\r\n"))
        guard case .list(let events)? = EventValue(json: body) else { return #expect(Bool(false), "no array") }
        #expect(events.map { $0["id"] } == ["1", "2"])
    }

    @Test("an event over the limit goes out with a link in place of its data, in every mode")
    func large() async throws {
        let event = EventRecord.sample(data: "{\"x\":\"\(String(repeating: "y", count: 5000))\"}")
        let link =
            "https://events.example.org/slipway.events.v1.Events/GetEvent?connect=v1&encoding=json"
            + "&message=%7B%22id%22:%224711%22%7D"
        let (_, body) = try await request({ Sending.webhook($0) }, [event], eventBytesMax: 2000)
        #expect(EventValue(json: body)?["dataref"] == .text(link))
        #expect(EventValue(json: body)?["data"] == nil)
        let (head, none) = try await request({ Sending.webhook($0, .binary) }, [event], eventBytesMax: 2000)
        #expect(none.isEmpty && head.contains("ce-dataref: "))
    }

    @Test("what does not fit even so is too large, without a request")
    func tooLarge() async throws {
        let outcome = try await Sending.with(eventBytesMax: 50) { sender in
            await sender.send(
                [.sample()], to: Sending.webhook("http://127.0.0.1:1/"), attempt: DeliveryAttempt(id: "d", number: 1))
        }
        #expect(outcome.kind == .tooLarge)
    }

    @Test("a delivery is signed with every secret that counts, over its id, time and payload")
    func signature() async throws {
        // The key, the payload and the digest of the public specification of these webhooks.
        let secret = Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
        let headers = WebhookSignature.headers(
            id: "msg_p5jXN8AQM9LWM0D4loKWxJek", seconds: 1_614_265_330, payload: Array(#"{"test": 2432232314}"#.utf8),
            keys: [secret, Secret("whsec_"), Secret("none")].compactMap(WebhookSignature.Key.init))
        #expect(
            headers.map(\.value) == [
                "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
            ])
        let two = [WebhookSignature.makeSecret(), WebhookSignature.makeSecret()]
        let (head, body) = try await request({
            Sending.webhook($0, headers: [(name: "Authorization", value: Secret("Bearer abc"))], secrets: two)
        })
        let expected = WebhookSignature.headers(
            id: "d1", seconds: 1_769_860_800, payload: Array(body.utf8),
            keys: two.compactMap(WebhookSignature.Key.init))
        for header in expected { #expect(head.contains("\(header.name): \(header.value)")) }
        #expect(expected.last?.value.split(separator: " ").count == 2)
        #expect(head.lowercased().contains("authorization: bearer abc"))
    }
}

@Suite("Consent of receivers") struct WebhookConsentTests {
    private func consent(_ answer: @escaping @Sendable (String) -> [RawReceiver.Act]) async throws -> DestinationConsent
    {
        let receiver = try RawReceiver(answer)
        defer { receiver.stop() }
        return try await Sending.with { try await $0.validate(Sending.webhook(receiver.url, seconds: 2)) }
    }

    @Test(
        "a receiver that allows our origin consents, with the rate that it names",
        arguments: [("suite.example.org", "120", 120), ("*", "*", 0), ("SUITE.example.org", "", 0)])
    func options(_ origin: String, _ rate: String, _ expected: Int) async throws {
        let consent = try await consent { request in
            guard request.hasPrefix("OPTIONS"),
                request.lowercased().contains("webhook-request-origin: suite.example.org")
            else { return [.status("500 No")] }
            return [.status("200 OK", "WebHook-Allowed-Origin: \(origin)\r\nWebHook-Allowed-Rate: \(rate)\r\n")]
        }
        #expect(consent == DestinationConsent(validatedBy: "options", ratePerMinute: expected))
    }

    @Test("a receiver that echoes Event Grid's code consents too")
    func echo() async throws {
        let consent = try await consent { request in
            guard request.hasPrefix("POST"), request.contains("aeg-event-type: SubscriptionValidation") else {
                return [.status("405 No")]
            }
            let body = request.split(separator: "\r\n\r\n").last.map(String.init) ?? ""
            guard case .list(let events)? = EventValue(json: body), let code = events.first?["data"]?["validationCode"]
            else { return [.status("400 No")] }
            return [.status("200 OK", body: "{\"validationResponse\":\(code.json)}")]
        }
        #expect(consent.validatedBy == "echo")
    }

    @Test(
        "one that allows another, echoes nothing or something else, or says nothing does not, and is told why",
        arguments: [
            ("evil.example.org", "{}", "it allows another origin, evil.example.org", "without a validationResponse"),
            ("", "{\"validationResponse\":\"guess\"}", "without WebHook-Allowed-Origin", "is not the code"),
            ("", "not json", "without WebHook-Allowed-Origin", "without a validationResponse"),
        ])
    func refused(_ origin: String, _ body: String, _ first: String, _ second: String) async throws {
        let error = await #expect(throws: DestinationError.self) {
            try await consent { _ in
                [.status("200 OK", origin.isEmpty ? "" : "WebHook-Allowed-Origin: \(origin)\r\n", body: body)]
            }
        }
        #expect(error?.reason == .refused)
        #expect(
            error?.message.contains(first) == true && error?.message.contains(second) == true, "\(error?.message ?? "")"
        )
    }

    @Test("one that hangs or redirects does not consent")
    func silent() async throws {
        for act in [RawReceiver.Act.hang, .status("302 Found", "Location: /x\r\nWebHook-Allowed-Origin: *\r\n")] {
            let error = await #expect(throws: DestinationError.self) { try await consent { _ in [act] } }
            #expect(error?.reason == .refused)
        }
    }
}
