import HTTP
import Loop
import Outbound
import Testing

@Suite("Which networks are reached")
struct OutboundNetworkTests {
    @Test(
        "a text is a network where it is an address with as many bits as fit",
        arguments: [
            ("10.0.0.0/8", "10.0.0.0/8"), ("10.1.2.3", "10.1.2.3"), ("::1", "::1"), ("fd00::/8", "fd00::/8"),
            ("0.0.0.0/0", "0.0.0.0/0"), ("10.0.0.0/33", nil), ("10.0.0/8", nil), ("", nil), ("/8", nil),
            ("10.0.0.0/", nil), ("fd00::/129", nil), ("example.com", nil), ("10.0.0.0/-1", nil),
        ])
    func texts(text: String, expected: String?) { #expect(OutboundNetwork(text)?.description == expected) }

    @Test("metadata and link-local addresses are never reached, in whatever clothes, even where they are allowed")
    func metadata() throws {
        let everything = try OutboundNetworks(
            allowed: [#require(OutboundNetwork("0.0.0.0/0")), #require(OutboundNetwork("::/0"))])
        for networks in [OutboundNetworks(), everything] {
            for address in [
                "169.254.169.254", "169.254.170.2", "fe80::1", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe",
                "fd00:ec2::254", "100.100.100.200", "nonsense", "",
            ] { #expect(!networks.permits(address), "\(address)") }
            for address in ["8.8.8.8", "127.0.0.1", "10.0.0.1", "2001:db8::1", "::1"] {
                #expect(networks.permits(address), "\(address)")
            }
        }
    }

    @Test("what is denied is not reached though it is allowed, and what is not allowed is not where anything is")
    func lists() throws {
        let networks = try OutboundNetworks(
            allowed: [#require(OutboundNetwork("10.0.0.0/8"))], denied: [#require(OutboundNetwork("10.9.0.0/16"))])
        #expect(networks.permits("10.1.0.1") && networks.permits("::ffff:10.1.0.1"))
        #expect(!networks.permits("10.9.0.1") && !networks.permits("11.0.0.1") && !networks.permits("::1"))
        let own = try OutboundNetworks(
            denied: [#require(OutboundNetwork("127.0.0.0/8")), #require(OutboundNetwork("::1"))])
        // "Any address" is this machine for who connects to it.
        #expect(!own.permits("0.0.0.0") && !own.permits("::") && !own.permits("127.9.9.9") && own.permits("1.1.1.1"))
    }

    @Test("a connection to a denied address is not made, by its number, by a name, or by a redirect")
    func connections() async throws {
        let asked = Lock(0)
        try await OutboundClientTests.withPeer({ request, answer in
            asked.withLock { $0 += 1 }
            let port = request.head.authority.split(separator: ":").last ?? ""
            try await answer.respond(302, ["location": "http://localhost:\(port)/there"])
        }) { client, url in
            let port = url.split(separator: ":").last ?? ""
            let denied = OutboundNetworks(denied: ["127.0.0.0/8", "::1"].compactMap { OutboundNetwork($0) })
            let guarded = OutboundClient(loop: client.loop, networks: denied)
            defer { guarded.stop() }
            for place in [url, "http://localhost:\(port)", "http://0.0.0.0:\(port)", "http://2130706433:\(port)"] {
                let error = await #expect(throws: OutboundError.self) {
                    _ = try await guarded.send(OutboundRequest("GET", place))
                }
                #expect(error?.code == .refused, "\(place): \(error.map { "\($0)" } ?? "")")
            }
            #expect(asked.withLock { $0 } == 0)
            // A redirect leads to the name; the number alone may be reached.
            let number = OutboundNetworks(denied: ["::1", "127.0.0.2/31"].compactMap { OutboundNetwork($0) })
            let some = OutboundClient(loop: client.loop, networks: number)
            defer { some.stop() }
            let answer = try await some.send(OutboundRequest("GET", url))
            #expect(answer.status == 302)
        }
    }
}
