import CommandLineKit
import RPC
import ServiceKit
import Testing

@testable import Slipway

@Suite("Where each service is")
struct ServiceAddressTests {
    private func resolve(_ flags: [String], _ environment: [String: String] = [:]) throws -> Target {
        let file = try ContextFile(
            parsing: """
                current = "home"
                [contexts.home]
                server = "http://h:1"
                images_server = "http://h:2"
                token = "home-token"
                [contexts.gateway]
                server = "https://suite.example.com"
                token = "suite-token"
                """)
        guard case .run(_, let values, _) = try Parser.parse(Root.command, ["whoami"] + flags) else {
            throw UsageError("no command")
        }
        return try Target.resolve(values, environment, file)
    }

    @Test("a service is at the address told, else behind the one server")
    func fallback() throws {
        let home = try resolve([])
        #expect(home.place(of: .images).server.description == "http://h:2")
        #expect(home.place(of: .images).token?.reveal() == "home-token")
        #expect(home.place(of: .events).server.description == "http://h:1")
        #expect(!home.place(of: .events).isTold)
        let gateway = try resolve(["--context", "gateway"])
        for service in SuiteService.allCases {
            #expect(gateway.place(of: service).server.description == "https://suite.example.com")
            #expect(gateway.place(of: service).token?.reveal() == "suite-token")
        }
    }

    @Test("a flag counts before a variable, and a variable before the context")
    func precedence() throws {
        let variables = ["SLIPWAY_IMAGES_SERVER": "http://h:3", "SLIPWAY_TOKEN": "given"]
        #expect(try resolve([], variables).place(of: .images).server.description == "http://h:3")
        let flagged = try resolve(["--images-server", "http://h:4"], variables).place(of: .images)
        #expect(flagged.server.description == "http://h:4")
        #expect(flagged.token?.reveal() == "given")
    }

    @Test("a saved token goes to its context's addresses only")
    func token() throws {
        #expect(try resolve(["--images-server", "http://h:4"]).place(of: .images).token == nil)
        #expect(try resolve(["--images-server", "http://h:1"]).place(of: .images).token != nil)
        #expect(try resolve(["--images-server", "http://h:2"]).place(of: .images).token != nil)
        #expect(try resolve([], ["SLIPWAY_EVENTS_SERVER": "http://h:5"]).place(of: .events).token == nil)
    }

    @Test("what a context says of a service does not hold for another server")
    func otherServer() throws {
        let place = try resolve(["--server", "http://other:1"]).place(of: .images)
        #expect(place.server.description == "http://other:1")
        #expect(place.token == nil)
    }

    @Test("addresses of services are kept with their context")
    func roundTrip() throws {
        var file = ContextFile()
        file.contexts["a"] = SavedContext(server: "http://h:1", services: [.events: "unix:/e", .images: "http://h:2"])
        #expect(try ContextFile(parsing: file.text) == file)
    }

    @Test("an error says which service it is and how to tell where it is")
    func errors() throws {
        let target = try resolve([])
        let events = Reaching(service: .events, place: target.place(of: .events))
        let unreached = events.explained(RPCError(.unavailable, "refused"))
        #expect(unreached.message.hasPrefix("cannot reach the events service at http://h:1: refused\n"))
        #expect(unreached.message.contains("--events-server"))
        #expect(events.explained(RPCError(.unimplemented, "no such method")).message.contains("has no events service"))
        let images = Reaching(service: .images, place: target.place(of: .images))
        #expect(!images.explained(RPCError(.unavailable, "refused")).message.contains("--images-server"))
        #expect(images.explained(RPCError(.unimplemented, "no such method")).message == "no such method")
    }
}
