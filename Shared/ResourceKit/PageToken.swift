import Access
import RPC

/// Where a page ended. It goes to the caller and comes back: opaque, and useless with any other query than its own.
///
/// It is no secret and opens nothing: what a page shows is decided anew by the caller's workspace.
package struct PageToken: Equatable {
    /// The values by which the list is ordered, of the last row of the page.
    package var values: [String]

    private static let sumCount = 8
    /// A description and some labels, which is the most that a list is ordered by.
    private static let textBytesMax = 1 << 19

    package init(values: [String]) { self.values = values }

    /// - Parameter query: everything that decides which rows come in which order.
    package func text(for query: String) -> String {
        var bytes: [UInt8] = [1]
        for value in values {
            bytes += PageToken.length(value.utf8.count)
            bytes += Array(value.utf8)
        }
        return PageToken.encode(PageToken.sum(bytes, query) + bytes)
    }

    /// Nil where no token was given.
    /// - Throws: `invalidArgument` where it is damaged, or of another query.
    package static func read(_ text: String, for query: String) throws(RPCError) -> PageToken? {
        guard !text.isEmpty else { return nil }
        guard let token = parse(text, query) else { throw refusal }
        return token
    }

    package static var refusal: RPCError {
        .badRequest(
            field: "page_token",
            "it is damaged or of another query; give back next_page_token as it came, with the same query, or leave it "
                + "out to begin anew")
    }

    private static func parse(_ text: String, _ query: String) -> PageToken? {
        guard text.utf8.count <= textBytesMax, let bytes = decode(text), bytes.count > sumCount else { return nil }
        let payload = Array(bytes[sumCount...])
        guard Array(bytes[..<sumCount]) == sum(payload, query), payload.first == 1 else { return nil }
        var values: [String] = []
        var rest = payload.dropFirst()
        while !rest.isEmpty {
            guard rest.count >= 4 else { return nil }
            let length = rest.prefix(4).reduce(0) { $0 << 8 | Int($1) }
            rest = rest.dropFirst(4)
            guard length <= rest.count else { return nil }
            values.append(String(decoding: rest.prefix(length), as: UTF8.self))
            rest = rest.dropFirst(length)
        }
        return PageToken(values: values)
    }

    private static func sum(_ payload: [UInt8], _ query: String) -> [UInt8] {
        Array(SHA256Digest(of: length(query.utf8.count) + Array(query.utf8) + payload).bytes.prefix(sumCount))
    }

    private static func length(_ count: Int) -> [UInt8] {
        [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: count >> $0) }
    }

    private static let digits = Array("0123456789abcdef".utf8)

    private static func encode(_ bytes: [UInt8]) -> String {
        String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }

    private static func decode(_ text: String) -> [UInt8]? {
        let nibbles = text.utf8.compactMap { digits.firstIndex(of: $0) }
        guard nibbles.count == text.utf8.count, nibbles.count.isMultiple(of: 2) else { return nil }
        return stride(from: 0, to: nibbles.count, by: 2).map { UInt8(nibbles[$0] << 4 | nibbles[$0 + 1]) }
    }
}

/// How many rows a page may have.
package enum PageSize {
    package static func check(_ size: Int32) throws(RPCError) -> Int {
        guard (0...1000).contains(size) else {
            throw .badRequest(field: "page_size", "it is 1 to 1,000, or 0 for 100")
        }
        return size == 0 ? 100 : Int(size)
    }
}
