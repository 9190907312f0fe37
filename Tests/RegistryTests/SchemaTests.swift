import Testing

@testable import Postgres

@Suite("the registry's tables", .timeLimit(.minutes(5))) struct SchemaTests {
    @Test("a new database has them, empty")
    func empty() async throws {
        try await withRegistry { fixture in
            let counts = try await fixture.pool.query("SELECT count(*) FROM registry.versions").all(Int.self)
            #expect(counts == [0])
            let actions = try await fixture.actions()
            #expect(actions.isEmpty)
        }
    }
}
