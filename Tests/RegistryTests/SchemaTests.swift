import Postgres
import Testing

@Suite("the registry's tables", .timeLimit(.minutes(5))) struct SchemaTests {
    @Test("a new database has them, empty")
    func empty() async throws {
        try await withRegistry { fixture in
            #expect(try await fixture.pool.query("SELECT count(*) FROM registry.versions").all(Int.self) == [0])
            #expect(try await fixture.actions() == [])
        }
    }
}
