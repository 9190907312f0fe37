import Testing

@testable import Postgres

private enum Mood: String, PostgresCodable { case happy, sad }
private enum Level: Int32, PostgresCodable { case low = 1, high = 2 }

private struct Person: PostgresRowDecodable, Equatable {
    var id: Int64
    var name: String
    init(id: Int64, name: String) {
        self.id = id
        self.name = name
    }
    init(row: PostgresRow) throws {
        id = try row.decode("id")
        name = try row.decode("name")
    }
}

@Suite struct QueryTests {
    @Test("each interpolated value becomes a bind and prints as stars")
    func interpolation() {
        let secret = "s3cret"
        let inner: PostgresQuery = "b = \(2) OR c = \(3)"
        let query: PostgresQuery = "SELECT \(unsafe: "x") FROM \(identifier: "a\"b") WHERE a = \(secret) AND (\(inner))"
        #expect(query.sql == "SELECT x FROM \"a\"\"b\" WHERE a = $1 AND (b = $2 OR c = $3)")
        #expect(query.binds.count == 3)
        #expect(!"\(query)".contains(secret))
        #expect("\(query)".contains("****"))
        var dumped = ""
        dump(query, to: &dumped)
        #expect(!dumped.contains(secret) && !dumped.contains("115"))
    }

    @Test("a statement that is planned for its values is not kept, however often it is sent")
    func plannedForValues() async throws {
        try await TestDatabase.withPool { pool in
            try await pool.withConnection { connection in
                for number in 1...10 {
                    let query: PostgresQuery = "SELECT \(number) + 1"
                    let found = try await connection.query(query.plannedForValues()).all(Int.self)
                    #expect(found == [number + 1])
                }
                let kept = try await connection.query(
                    "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%+ 1'"
                ).all(Int.self)
                #expect(kept == [0])
            }
        }
    }

    @Test("values of every type come back as they went")
    func roundTrip() async throws {
        try await TestDatabase.withPool { pool in
            let id = PostgresUUID.random()
            let now = PostgresTimestamp.now
            let rows = try await pool.query(
                """
                SELECT \(true), \(Int16.min), \(Int32.max), \(Int64.min), \(Float(1.5)), \(-2.25), \("späte Größe"), \
                \([0, 255] as [UInt8]), \(id), \(now), \(PostgresJSON("{\"a\": 1}")), \(Mood.sad), \(Level.high)
                """)
            let row = try #require(rows.first)
            let all = try row.decode(
                (
                    Bool, Int16, Int32, Int64, Float, Double, String, [UInt8], PostgresUUID, PostgresTimestamp,
                    PostgresJSON, Mood, Level
                ).self)
            #expect((all.0, all.1, all.2) == (true, .min, .max))
            #expect((all.3, all.4, all.5) == (.min, 1.5, -2.25))
            #expect(all.6 == "späte Größe")
            #expect(all.7 == [0, 255])
            #expect(all.8 == id)
            #expect(all.9 == now)
            #expect(all.10.text == "{\"a\": 1}")
            #expect(all.11 == .sad)
            #expect(all.12 == .high)
            #expect(PostgresUUID(id.description) == id)
        }
    }

    @Test("arrays, nulls and empty values come back as they went")
    func arrays() async throws {
        try await TestDatabase.withPool { pool in
            let none: String? = nil
            let rows = try await pool.query(
                """
                SELECT \([1, 2, 3]), \([] as [String]), \(["a", nil, ""] as [String?]), \(none), \(""), \
                \([[1], []] as [[UInt8]]), \([true, false]), \([] as [UInt8])
                """)
            let row = try rows[0].decode(
                ([Int], [String], [String?], String?, String, [[UInt8]], [Bool], [UInt8]).self)
            #expect(row.0 == [1, 2, 3])
            #expect(row.1 == [])
            #expect(row.2 == ["a", nil, ""])
            #expect(row.3 == nil)
            #expect(row.4 == "")
            #expect(row.5 == [[1], []])
            #expect(row.6 == [true, false])
            #expect(row.7 == [])
        }
    }

    @Test(
        "a numeric is read as text, as a number and as an integer",
        arguments: ["0", "1", "-1.50", "123456789.000100", "0.00012", "100000000", "-99999999999999999999.9"])
    func numeric(text: String) async throws {
        try await TestDatabase.withPool { pool in
            let rows = try await pool.query("SELECT \(unsafe: "'\(text)'")::numeric, \(unsafe: "'\(text)'")::numeric")
            let (string, double) = try rows[0].decode((String, Double).self)
            #expect(string == text)
            #expect(double == Double(text))
            let sum = try await pool.query("SELECT sum(i) FROM generate_series(1, \(1000 as Int64)) AS i")
            #expect(try sum[0].decode(Int.self) == 500_500)
        }
    }

    @Test("rows are read into tuples, structures and single values")
    func decoding() async throws {
        try await TestDatabase.withPool { pool in
            let rows = try await pool.query(
                "SELECT i::int8 AS id, 'n' || i AS name FROM generate_series(1, 3) AS i ORDER BY i")
            var pairs: [(Int64, String)] = []
            for try await (id, name) in rows.decode((Int64, String).self) { pairs.append((id, name)) }
            #expect(pairs.map(\.0) == [1, 2, 3])
            #expect(pairs.map(\.1) == ["n1", "n2", "n3"])
            #expect(try rows.all(Person.self).last == Person(id: 3, name: "n3"))
            #expect(rows.affectedRows == 3)
        }
    }

    @Test("a decode error names column, both types, file and line")
    func decodeErrors() async throws {
        try await TestDatabase.withPool { pool in
            let rows = try await pool.query("SELECT 1::int8 AS id, NULL::text AS name")
            let line = #line + 1
            let error = try #require(throws: PostgresDecodeError.self) { try rows[0].decode((Int32, String?).self) }
            let text = "\(error)"
            #expect(text.contains("\"id\"") && text.contains("int8") && text.contains("Int32"))
            #expect(text.contains("QueryTests.swift:\(line)"))
            let null = try #require(throws: PostgresDecodeError.self) { try rows[0].decode((Int64, String).self) }
            #expect(null.reason == .null && null.column == "name")
            #expect(throws: PostgresColumnError.self) { try rows[0].decode(Int64.self) }
            #expect(throws: PostgresColumnError.self) { try rows[0].decode("missing", as: Int64.self) }
        }
    }

    @Test("an error carries what the server said about it")
    func serverErrors() async throws {
        try await TestDatabase.withPool { pool in
            try await pool.execute("CREATE TABLE errors (id int PRIMARY KEY, v int CONSTRAINT positive CHECK (v > 0))")
            try await pool.execute("INSERT INTO errors VALUES (1, 1)")
            let unique = try await #require(throws: PostgresError.self) {
                try await pool.execute("INSERT INTO errors VALUES (\(1), \(1))")
            }
            #expect(unique.code == .uniqueViolation && unique.constraint == "errors_pkey" && unique.table == "errors")
            let check = try await #require(throws: PostgresError.self) {
                try await pool.execute("INSERT INTO errors VALUES (\(2), \(-1))")
            }
            #expect(check.code == .checkViolation && check.constraint == "positive")
            let syntax = try await #require(throws: PostgresError.self) { try await pool.query("SELECT nothing") }
            #expect(syntax.code == .undefinedColumn && syntax.position == 8)
            #expect(try await pool.query("SELECT 1").count == 1)
        }
    }
}
