import Testing

@Suite("the process target")
struct ProcessConformanceTests {
    @Test("keeps what targets promise", arguments: ConformanceCase.all)
    func conformance(_ one: ConformanceCase) async throws { try await one.run(ProcessPlace()) }
}
