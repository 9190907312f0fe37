/// Many things at once, and not all of them.
enum AtOnce {
    /// Runs `body` for each element, `limit` at a time. Where one fails the others are cancelled.
    /// - Returns: what came of each, in the elements' order.
    static func each<Element: Sendable, Result: Sendable>(
        _ elements: [Element], limit: Int, _ body: @escaping @Sendable @concurrent (Element) async throws -> Result
    ) async throws -> [Result] {
        try await withThrowingTaskGroup(of: (Int, Result).self) { group in
            var results = [Result?](repeating: nil, count: elements.count)
            var waiting = elements.enumerated().makeIterator()
            func startNext(_ group: inout ThrowingTaskGroup<(Int, Result), any Error>) {
                guard let (index, element) = waiting.next() else { return }
                group.addTask { (index, try await body(element)) }
            }
            for _ in 0..<max(1, limit) { startNext(&group) }
            while let (index, result) = try await group.next() {
                results[index] = result
                startNext(&group)
            }
            return results.compactMap { $0 }
        }
    }
}
