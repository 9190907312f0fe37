import Expressions
import TestKit
import Testing

@testable import EventsCore

@Suite("Filters of events") struct FilterTests {
    static let event = EventRecord.sample(
        data: """
            {"name":"churn","version":3,"tags":{"team":"growth","odd key":"x"},"score":0.5,"ok":true,"none":null,\
            "models":["models/a:1","models/b:2"],"deep":{"a":{"b":"c"}}}
            """)

    @Test(
        "a filter lets an event through where it is true of it",
        arguments: [
            ("", true), ("type = 'slipway.model.registered'", true), ("type != 'slipway.model.registered'", false),
            ("TYPE == \"slipway.model.registered\" and not subject = 'x'", true),
            ("subject LIKE 'models/%'", true), ("subject LIKE '%:3'", true), ("subject LIKE 'models/_____:3'", true),
            ("subject LIKE 'Models/%'", false), ("subject ILIKE 'Models/%'", true), ("subject NOT LIKE 'a%'", true),
            ("subject LIKE 'models\\/%'", true), ("subject LIKE '%c%n%'", true), ("subject LIKE '%x%'", false),
            ("source = '/slipway/workspaces/default'", true), ("actor LIKE 'person:%'", true),
            ("workspace IN ('growth', 'default')", true), ("workspace NOT IN ('growth')", true),
            ("time >= '2026-01-31'", true), ("time < '2026-01-31T12:00:00Z'", false),
            ("time = '2026-01-31T13:00:00+01:00'", true),
            ("data.tags.team = 'growth'", true), ("data.tags.\"odd key\" = 'x'", true), ("data.version = 3", true),
            ("data.version > 2.5 AND data.version <= 3", true), ("data.version = '3'", false),
            ("data.score < 1", true), ("data.ok = true", true), ("data.ok != TRUE", false), ("data.ok = 'true'", false),
            ("data.models = 'models/b:2'", true), ("data.models LIKE 'models/c%'", false),
            ("data.deep.a.b IN ('c', 1, true)", true), ("data.deep.a = 'c'", false), ("EXISTS data.deep", true),
            ("EXISTS(data.deep.x)", false), ("data.none EXISTS", false), ("data.none IS NULL", true),
            ("data.name IS NOT NULL", true), ("trace IS NULL", true), ("trace = ''", false),
            ("data.missing != 'a'", false), ("NOT data.missing = 'a'", true),
            ("data.missing < 1 OR data.version = 3", true),
            ("type = 'a' OR type = 'b'", false), ("(type = 'a' OR actor = 'person:ada') AND data.version = 3", true),
            ("NOT NOT type IN ('slipway.model.registered')", true),
        ])
    func matches(_ text: String, _ expected: Bool) throws {
        #expect(try EventFilterParser().parse(text).matches(Self.event) == expected)
    }

    @Test(
        "a mistake is told with its place and what would be right",
        arguments: [
            ("type =", 7, "expected a value after '='"),
            ("tpye = 'a'", 1, "there is no field 'tpye'; did you mean 'type'?"),
            ("zzzzzz = 'a'", 1, "there is no field 'zzzzzz'; there are actor, id, source, subject"),
            ("type = 3", 8, "type is text in quotes, which '3' is not"),
            ("type = growth", 8, "expected a value after '='; text stands in quotes: 'growth'"),
            ("time > 'soon'", 8, "time is a time in quotes"),
            ("time LIKE '2026%'", 6, "time is a time, and LIKE compares text"),
            ("data = 'a'", 6, "expected '.' and a name after 'data'"), ("data. = 'a'", 7, "expected a name after '.'"),
            ("data.a < true", 8, "true and false are not less"), ("type 'a'", 6, "expected a comparison after type"),
            ("(type = 'a'", 1, "this '(' has no ')'"), ("type = 'a')", 11, "there is no '(' for this ')'"),
            ("type = 'a' type = 'b'", 12, "expected AND, OR or the end, and found 'type'"),
            ("type = 'a", 8, "the text that begins here has no closing '"), ("AND", 1, "expected a condition"),
            ("type IN ('a' 'b')", 14, "expected ',' or ')' in the list"),
            ("type NOT 'a'", 10, "expected IN, LIKE or ILIKE"),
            ("type LIKE 'a\\'", 11, "the pattern ends in a lone backslash"), ("é = 'a'", 1, "'é' means nothing here"),
            ("EXISTS(data.a", 7, "this '(' has no ')'"), ("type IS 3", 9, "expected NULL after 'IS'"),
        ])
    func mistakes(_ text: String, _ position: Int, _ message: String) {
        let error = #expect(throws: EventFilterError.self) { try EventFilterParser().parse(text) }
        #expect(error?.position == position, "\(error?.description ?? "")")
        #expect(error?.message.hasPrefix(message) == true, "\(error?.description ?? "")")
    }

    @Test("depth, length and numbers of things end somewhere")
    func limits() {
        func message(_ text: String) -> String {
            let error = #expect(throws: EventFilterError.self) { try EventFilterParser().parse(text) }
            return error?.message ?? ""
        }
        #expect(message(String(repeating: "(", count: 50) + "type = 'a'") == "conditions are nested more than 32 deep")
        #expect(
            message(String(repeating: "NOT ", count: 50) + "type = 'a'") == "conditions are nested more than 32 deep")
        #expect(message(String(repeating: "x", count: 9000)) == "there are 9000 characters; 8192 at most")
        let many = Array(repeating: "id = '1'", count: 101).joined(separator: " OR ")
        #expect(message(many) == "there are more than 100 comparisons")
        let values = Array(repeating: "'1'", count: 101).joined(separator: ",")
        #expect(message("id IN (\(values))") == "the list has more than 100 values")
        #expect(message("data" + String(repeating: ".a", count: 20) + " = 1") == "the path has more than 16 names")
    }

    @Test(
        "a filter knows the types that it can let through",
        arguments: [
            ("type = 'a'", ["a"]), ("type IN ('a', 'b') AND subject = 'x'", ["a", "b"]),
            ("type = 'a' OR type = 'b'", ["a", "b"]), ("type = 'a' AND type IN ('a', 'b')", ["a"]),
            ("type = 'a' OR subject = 'x'", nil), ("NOT type = 'a'", nil), ("type LIKE 'a%'", nil), ("", nil),
            ("type = 'a' AND type = 'b'", []),
        ] as [(String, [String]?)])
    func types(_ text: String, _ types: [String]?) throws {
        #expect(try EventFilterParser().filter(text).types == types.map { Set($0) })
    }

    @Test("an index finds the same filters as asking each, whatever they are")
    func index() throws {
        var random = SeededGenerator(seed: 7)
        let parser = EventFilterParser()
        var index = EventFilterIndex<Int>()
        var filters: [Int: EventFilter] = [:]
        for key in 0..<300 {
            let filter = try parser.filter(RandomFilter.make(&random))
            filters[key] = filter
            index.insert(filter, for: key)
        }
        for key in stride(from: 0, to: 300, by: 3) {
            index.remove(key)
            filters[key] = nil
        }
        for type in ["a", "b", "slipway.model.registered"] {
            let event = EventRecord.sample(type: type)
            let each = filters.filter { $0.value.matches(event) }.map(\.key)
            #expect(index.matching(event).sorted() == each.sorted())
        }
    }

    @Test("what is generated by the grammar is read, and what is broken in one place is read or refused inside of it")
    func properties() throws {
        var random = SeededGenerator(seed: 11)
        let parser = EventFilterParser()
        for _ in 0..<2000 {
            let text = RandomFilter.make(&random)
            let filter = try parser.filter(text)
            let negated = try parser.filter("NOT (\(text))")
            #expect(filter.matches(Self.event) != negated.matches(Self.event), "\(text)")
            var characters = Array(text)
            let place = Int.random(in: 0..<characters.count, using: &random)
            characters[place] =
                ["'", "(", ")", ".", "=", "x", " ", "\"", "%", "?"].randomElement(using: &random) ?? "x"
            do { _ = try parser.parse(String(characters)) } catch {
                #expect((1...characters.count + 1).contains(error.position), "\(String(characters)): \(error)")
            }
        }
    }
}

/// Filters as the grammar has them.
enum RandomFilter {
    static func make(_ random: inout SeededGenerator, depth: Int = 0) -> String {
        switch Int.random(in: 0..<(depth < 4 ? 7 : 4), using: &random) {
        case 0: "\(text(&random)) \(["=", "!=", "<>", "==", "<", ">="].randomElement(using: &random) ?? "=") 'churn'"
        case 1: "\(text(&random)) \(["LIKE", "NOT LIKE", "ilike"].randomElement(using: &random) ?? "LIKE") '%o_e%'"
        case 2: "\(text(&random)) IN ('a', 'slipway.model.registered', 'growth')"
        case 3: "\(text(&random)) IS \(Bool.random(using: &random) ? "NOT " : "")NULL"
        case 4: "(\(make(&random, depth: depth + 1)) AND \(make(&random, depth: depth + 1)))"
        case 5: "(\(make(&random, depth: depth + 1)) or \(make(&random, depth: depth + 1)))"
        default: "NOT \(make(&random, depth: depth + 1))"
        }
    }

    private static func text(_ random: inout SeededGenerator) -> String {
        ["type", "type", "subject", "workspace", "data.tags.team", "data.\"name\"", "data.version", "trace"]
            .randomElement(using: &random) ?? "type"
    }
}
