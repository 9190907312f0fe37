import Contracts
import Protobuf
import RPC
import Testing

@testable import ImageBuilderCore

@Suite("recipes by themselves")
struct RecipeRulesTests {
    /// The fields that are found wrong, with a recipe that is right but for the change.
    private static func faults(_ change: (inout Slipway.Images.V1.Recipe) -> Void) -> [String] {
        var recipe = Slipway.Images.V1.Recipe(models: ["churn:3"])
        change(&recipe)
        do {
            try RecipeRules.check(Slipway.Images.V1.BuildRequest(recipe: recipe))
            return []
        } catch {
            return error.details.compactMap { $0.decode(as: Google.Rpc.BadRequest.self) }
                .flatMap(\.fieldViolations).map(\.field)
        }
    }

    @Test("a base is one line of a sensible length, also where it names a layout")
    func base() {
        #expect(Self.faults { $0.base = "python:3.11-slim" } == [])
        #expect(Self.faults { $0.base = "oci:debian" } == [])
        #expect(Self.faults { $0.base = "oci:a\nb" } == ["recipe.base"])
        #expect(Self.faults { $0.base = "oci:" + String(repeating: "a", count: 2000) } == ["recipe.base"])
    }

    @Test("variables and labels that no registry would take as an image's configuration are refused")
    func settings() {
        let large = String(repeating: "x", count: 30_000)
        let few = Dictionary(uniqueKeysWithValues: (0..<30).map { ("V\($0)", large) })
        #expect(Self.faults { $0.variables = few } == [])
        let more = Self.faults { recipe in
            recipe.variables = few
            recipe.steps = (0..<10).map { number in
                .init(kind: .label(.init(name: "l\(number)", value: large)))
            }
        }
        #expect(more == ["recipe"])
    }
}
