import Testing

@testable import RegistryCore

@Suite("the search grammar") struct SearchParserTests {
    private typealias Condition = SearchQuery.Condition

    private static func equal(_ column: SearchField.Column, _ text: String) -> Condition {
        .comparison(.column(column), .relation(.equal, .text(text)))
    }

    @Test("AND binds before OR, NOT before both, and parentheses before all")
    func precedence() throws {
        let (a, b, c) = (Self.equal(.name, "a"), Self.equal(.run, "b"), Self.equal(.format, "c"))
        let table: [(String, Condition)] = [
            ("name='a' OR run='b' AND format='c'", .or([a, .and([b, c])])),
            ("(name='a' OR run='b') AND format='c'", .and([.or([a, b]), c])),
            ("NOT name='a' AND run='b'", .and([.not(a), b])), ("not (name='a' and run='b')", .not(.and([a, b]))),
            ("NOT NOT name='a'", .not(.not(a))),
        ]
        for (text, condition) in table {
            let query = try SearchParser.parse(text)
            #expect(query == SearchQuery(condition: condition), "\(text)")
        }
    }

    @Test("every field and comparison is read")
    func comparisons() throws {
        func condition(_ field: SearchField, _ comparison: SearchQuery.Comparison) -> Condition {
            .comparison(field, comparison)
        }
        let table: [(String, Condition)] = [
            ("version >= 3", condition(.column(.version), .relation(.greaterOrEqual, .integer(3)))),
            ("size < -5", condition(.column(.size), .relation(.less, .integer(-5)))),
            ("metrics.auc > 0.9", condition(.metric("auc"), .relation(.greater, .number(0.9)))),
            ("metrics.auc > 1e-3", condition(.metric("auc"), .relation(.greater, .number(0.001)))),
            ("metrics.\"val/auc 1\" <= 0.5", condition(.metric("val/auc 1"), .relation(.lessOrEqual, .number(0.5)))),
            ("tags.team != 'it''s'", condition(.tag("team"), .relation(.notEqual, .text("it's")))),
            ("tags.mlflow.user == \"ada\"", condition(.tag("mlflow.user"), .relation(.equal, .text("ada")))),
            ("tags.`odd key` <> 'x'", condition(.tag("odd key"), .relation(.notEqual, .text("x")))),
            ("properties.x LIKE 'a%'", condition(.property("x"), .like(pattern: "a%", ignoresCase: false))),
            ("name ilike 'A_'", condition(.column(.name), .like(pattern: "A_", ignoresCase: true))),
            ("git.commit = 'abc'", condition(.column(.gitCommit), .relation(.equal, .text("abc")))),
            ("alias IN ('a', 'b')", condition(.alias, .oneOf([.text("a"), .text("b")]))),
            ("version IN (1,2)", condition(.column(.version), .oneOf([.integer(1), .integer(2)]))),
            ("dataset IS NULL", condition(.dataset, .isNull)),
            ("parent IS NOT NULL", .not(condition(.parent, .isNull))),
            ("name NOT LIKE 'a%'", .not(condition(.column(.name), .like(pattern: "a%", ignoresCase: false)))),
            ("name NOT IN ('a')", .not(condition(.column(.name), .oneOf([.text("a")])))),
            (
                "created >= '1970-01-02'",
                condition(.column(.created), .relation(.greaterOrEqual, .time(86_400_000_000)))
            ),
            (
                "updated < '1970-01-01T01:00:00.5+01:00'",
                condition(.column(.updated), .relation(.less, .time(500_000)))
            ), ("NAME = 'Ä😀'", Self.equal(.name, "Ä😀")),
        ]
        for (text, condition) in table {
            let query = try SearchParser.parse(text)
            #expect(query == SearchQuery(condition: condition), "\(text)")
        }
    }

    @Test("an order may stand alone or behind a condition")
    func order() throws {
        let empty = try SearchParser.parse("  ")
        #expect(empty == SearchQuery())
        let alone = try SearchParser.parse("order by created desc")
        #expect(alone.order == [SearchQuery.Order(field: .column(.created), isDescending: true)])
        let both = try SearchParser.parse("name='a' ORDER BY metrics.auc DESC, tags.\"x y\" ASC, version")
        #expect(both.condition == Self.equal(.name, "a"))
        #expect(
            both.order == [
                SearchQuery.Order(field: .metric("auc"), isDescending: true),
                SearchQuery.Order(field: .tag("x y"), isDescending: false),
                SearchQuery.Order(field: .column(.version), isDescending: false),
            ])
    }

    @Test(
        "an error says the column and what was expected there",
        arguments: [
            ("name = 'a' AND x =", "column 16: there is no field 'x'; there are name, version"),
            ("metrics.auc > 1 AND name =", "column 27: expected a value after '='"),
            ("name", "column 5: expected a comparison after name: =, !="),
            ("nam = 'a'", "column 1: there is no field 'nam'; did you mean 'name'?"),
            ("name = a", "column 8: expected a value after '='; text stands in quotes: 'a'"),
            ("name = 3", "column 8: name is text in quotes, which '3' is not"),
            ("version = '3'", "column 11: version is a whole number, which '3' is not"),
            ("version = 1.5", "column 11: version is a whole number, which '1.5' is not"),
            ("metrics.auc = 1e999", "column 15: metrics.\"auc\" is a number, which '1e999' is not"),
            ("created > 'soon'", "column 11: created is a time in quotes, such as '2026-01-31'"),
            ("created > '2026-02-30'", "column 11: created is a time in quotes"),
            ("name = 'a", "column 8: the text that begins here has no closing '"),
            ("tags.\"a = 1", "column 6: the text that begins here has no closing \""),
            ("tags = 'x'", "column 6: expected '.' and a key after 'tags', such as tags.team"),
            ("tags.'x' = 'y'", "column 6: expected a key after 'tags.'"),
            ("tags.\"a!\" = 'y'", "column 6: \"a!\" is no key"),
            ("foo.bar = 'y'", "column 1: there is no field 'foo.bar'"),
            ("name = 'a' name = 'b'", "column 12: expected AND, OR, ORDER BY or the end, and found 'name'"),
            ("name = 'a' AND", "column 15: expected a condition, such as name = 'churn', and found the end"),
            ("AND name = 'a'", "column 1: expected a condition, such as name = 'churn', and found 'AND'"),
            ("(name = 'a'", "column 1: this '(' has no ')'"),
            ("name = 'a')", "column 11: there is no '(' for this ')'"),
            ("name IN 'a'", "column 9: expected '(' after 'IN'"),
            ("name IN ()", "column 10: expected a value after '('"),
            ("name IN ('a' 'b')", "column 14: expected ',' or ')' in the list, and found 'b'"),
            ("name LIKE 3", "column 11: expected a pattern in quotes after 'LIKE'"),
            ("name LIKE 'a\\'", "column 11: the pattern ends in a lone backslash"),
            ("metrics.a LIKE 'x'", "column 11: metrics.\"a\" is a number, and LIKE compares text"),
            ("name IS 'a'", "column 9: expected NULL after 'IS'"),
            ("name NOT 'a'", "column 10: expected IN, LIKE or ILIKE"),
            ("name ~ 'a'", "column 6: '~' means nothing here"), ("version = 3x", "column 11: a number ends in 'x'"),
            ("ORDER BY", "column 9: expected a field to order by, and found the end"),
            ("ORDER BY alias", "column 10: a version may have several of alias"),
            ("ORDER BY name,", "column 15: expected a field to order by, and found the end"),
            ("ORDER BY name sideways", "column 15: expected AND, OR, ORDER BY or the end, and found 'sideways'"),
            ("name = 'a\0b'", "column 10: a zero character is no text"),
            ("name = '😀é' AND ?", "column 17: '?' means nothing here"),
        ])
    func errors(_ query: String, _ message: String) {
        let error = #expect(throws: SearchError.self) { try SearchParser.parse(query) }
        #expect(error?.text.hasPrefix(message) == true, "\(error?.text ?? "no error")")
    }

    @Test("an error shows the line with a caret under the column, also of a long one")
    func caret() {
        var error = #expect(throws: SearchError.self) { try SearchParser.parse("name = 'a'\n AND x =") }
        #expect(error?.text.hasSuffix("\n  name = 'a'  AND x =\n                  ^") == true, "\(error?.text ?? "")")
        let long = String(repeating: "name = 'abcdef' AND ", count: 20) + "?"
        error = #expect(throws: SearchError.self) { try SearchParser.parse(long) }
        let lines = error?.text.split(separator: "\n") ?? []
        #expect(lines.count == 3 && lines.first?.hasPrefix("column 401: ") == true)
        #expect(lines.count == 3 && lines[1].dropFirst(lines[2].count - 1).first == "?")
    }

    @Test("depth, length and numbers of things end somewhere")
    func limits() {
        func message(_ query: String) -> String {
            let error = #expect(throws: SearchError.self) { try SearchParser.parse(query) }
            return error?.message ?? ""
        }
        let nested = String(repeating: "(", count: 50) + "name = 'a'" + String(repeating: ")", count: 50)
        #expect(message(nested) == "conditions are nested more than 32 deep")
        #expect(
            message(String(repeating: "NOT ", count: 1000) + "name = 'a'") == "conditions are nested more than 32 deep")
        #expect(message(String(repeating: "x", count: 9000)) == "there are 9000 characters; 8192 at most")
        let many = Array(repeating: "run = 'a'", count: 101).joined(separator: " OR ")
        #expect(message(many) == "there are more than 100 comparisons")
        let list = "version IN (" + Array(repeating: "1", count: 101).joined(separator: ",") + ")"
        #expect(message(list) == "the list has more than 100 values")
        let order = "ORDER BY " + (0..<9).map { "tags.k\("abcdefghi".dropFirst($0).prefix(1))" }.joined(separator: ",")
        #expect(message(order) == "an order has 8 fields at most")
    }
}
