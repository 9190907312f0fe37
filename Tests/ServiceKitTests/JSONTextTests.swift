import Testing

@testable import ServiceKit

@Suite("JSON written by hand")
struct JSONTextTests {
    @Test("quotes, backslashes and control characters are escaped")
    func quoted() {
        #expect(JSONText.quoted("a\"b\\c\nd\u{1}ä") == "\"a\\\"b\\\\c\\nd\\u0001ä\"")
    }

    @Test("an object keeps the order of its members")
    func object() {
        #expect(JSONText.object([("b", "1"), ("a\"", "null")]) == "{\"b\":1,\"a\\\"\":null}")
    }
}
