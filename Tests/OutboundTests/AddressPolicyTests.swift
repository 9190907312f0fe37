import Outbound
import Testing

@Suite("Addresses that may be connected to") struct AddressPolicyTests {
    @Test(
        "what is reachable from everywhere is allowed, everything else refused",
        arguments: [
            ("8.8.8.8", true), ("1.1.1.1", true), ("2606:4700::1111", true), ("172.32.0.1", true),
            ("64:ff9b::808:808", true),
            ("::ffff:8.8.8.8", true), ("127.0.0.1", false), ("10.0.0.1", false), ("172.16.0.1", false),
            ("172.31.255.255", false), ("192.168.1.1", false), ("169.254.169.254", false), ("100.64.0.1", false),
            ("100.100.100.200", false), ("168.63.129.16", false), ("0.0.0.0", false), ("224.0.0.1", false),
            ("255.255.255.255", false), ("198.18.0.1", false), ("::1", false), ("::", false), ("fe80::1", false),
            ("fd00:ec2::254", false), ("ff02::1", false), ("::ffff:127.0.0.1", false), ("64:ff9b::7f00:1", false),
            ("64:ff9b:1::1", false), ("2002:7f00:1::", false), ("2001::1", false), ("2001:db8::1", false),
            ("::7f00:1", false),
            ("4000::1", false),
        ])
    func publicOnly(_ text: String, _ isAllowed: Bool) throws {
        let address = try #require(IPAddress(text))
        #expect((AddressPolicy.publicOnly.refusal(of: address) == nil) == isAllowed)
        #expect(AddressPolicy.unrestricted.refusal(of: address) == nil)
    }

    @Test("networks and hosts that are listed are allowed too, in whichever form an address comes")
    func allowing() throws {
        let policy = AddressPolicy(allowing: ["10.1.0.0/16", "fd00::/8", "Hooks.Internal"])
        for text in ["10.1.2.3", "::ffff:10.1.2.3", "fd12::1"] {
            #expect(policy.refusal(of: try #require(IPAddress(text))) == nil)
        }
        let other = try #require(IPAddress("10.2.0.1"))
        #expect(policy.refusal(of: other) != nil)
        #expect(policy.refusal(of: other, host: "hooks.internal.") == nil)
        #expect(policy.refusal(of: other, host: "other.internal") != nil)
        for text in ["10.0.0.0/33", "x/8", "10.0.0.0/-1", "::/129", "127.1"] { #expect(OutboundNetwork(text) == nil) }
    }
}
