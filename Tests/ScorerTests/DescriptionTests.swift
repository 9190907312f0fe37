import HTTP
import ScorerFakes
import Serving
import Testing

@testable import ScorerCore

@Suite("documents for clients", .timeLimit(.minutes(5))) struct DescriptionTests {
    @Test("OpenAPI names each model's own path, and every reference in it leads somewhere")
    func openAPI() async throws {
        try await withScorer([Models.mixed(), Models.iris()]) { scorer async throws in
            let document = try await scorer.get("/openapi.json").json()
            #expect(document["openapi"] == "3.0.3")
            #expect(document["security"] == nil)
            #expect(document["paths"]?["/v2/models/iris/infer"] != nil)
            #expect(document["paths"]?["/score"] == nil)
            for place in references(document) {
                let parts = place.split(separator: "/").dropFirst()
                var tree: JSONTree? = document
                for part in parts { tree = tree?[String(part)] }
                #expect(tree != nil, "\(place)")
            }
        }
    }

    private func references(_ tree: JSONTree) -> [String] {
        switch tree {
        case .array(let list): return list.flatMap { references($0) }
        case .object(let members):
            return members.flatMap { member -> [String] in
                if member.name == "$ref", case .string(let place) = member.value { return [place] }
                return references(member.value)
            }
        default: return []
        }
    }

    @Test("the examples that the documents give are answered")
    func examples() async throws {
        for model in [Models.iris(), Models.mixed(), Models.script()] {
            try await withScorer([model]) { scorer async throws in
                let paths = try #require(try await scorer.get("/swagger.json?version=3").json()["paths"])
                let name = model.summary.name
                var tried = ["/score", "/invocations"]
                if model.summary.interface == .tensors { tried.append("/v2/models/\(name)/infer") }
                for path in tried {
                    let content = paths[path]?["post"]?["requestBody"]?["content"]?["application/json"]
                    let example = try #require(content?["example"])
                    let reply = try await scorer.send(.post, path, example.bytes)
                    #expect(reply.status == 200, "\(path): \(reply.text)")
                }
            }
        }
    }

    @Test("Swagger says what /score takes, from the script's own sample and schema")
    func swagger() async throws {
        try await withScorer([Models.script()]) { scorer async throws in
            let document = try await scorer.get("/swagger.json").json()
            #expect(document["swagger"] == "2.0" && document["info"]?["title"] == "script")
            let input = document["definitions"]?["ServiceInput"]
            #expect(input?["example"] == ["rows": [1, 2]])
            #expect(input?["properties"]?["rows"] == ["type": "array"])
        }
    }

    @Test("a method that a path does not have is a 405 that says which it has")
    func methods() async throws {
        try await withScorer([Models.iris()]) { scorer async throws in
            let reply = try await scorer.send(.put, "/score", [])
            #expect(reply.status == 405 && reply.fields["allow"] == "GET, HEAD, OPTIONS, POST")
            #expect(try await scorer.get("/v2/nothing").status == 404)
        }
    }
}
