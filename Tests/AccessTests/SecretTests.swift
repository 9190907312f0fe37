import Glibc
import ServiceKit
import Testing

@testable import Access
@testable import Journal
@testable import Postgres
@testable import Secrets

@Suite("secrets", .serialized, .timeLimit(.minutes(5))) struct SecretTests {
    static let lab = Workspace(id: EntityID(high: 1, low: 1), name: "lab")
    static let attic = Workspace(id: EntityID(high: 1, low: 2), name: "attic")
    static let value = "correct horse battery staple"

    private func refusal(_ body: () async throws -> Void) async -> SecretError? {
        await failure(SecretError.self, body)
    }

    @Test("a value is set, read, replaced and removed, each change in the journal without the value")
    func life() async throws {
        try await withFixture { fixture in
            let store = SecretStore(fixture.pool, keys: SecretKeys(.random()))
            try await store.set("db/password", Secret("first"), in: Self.lab, by: "person:ada", reason: "new")
            try await store.set("db/password", Secret(Self.value), in: Self.lab, by: "person:ada")
            try await store.set("empty", Secret(""), in: Self.attic, by: "person:ada")
            #expect(try await store.get("db/password", in: Self.lab).reveal() == Self.value)
            #expect(try await store.get("empty", in: Self.attic).reveal() == "")
            let listed = try await store.list(in: Self.lab)
            #expect(listed.map(\.name) == ["db/password"])
            #expect(
                await refusal { _ = try await store.get("db/password", in: Self.attic) } == .notFound("db/password"))
            try await store.remove("db/password", in: Self.lab, by: "person:ben")
            #expect(await refusal { _ = try await store.get("db/password", in: Self.lab) } == .notFound("db/password"))
            #expect(
                await refusal { try await store.remove("db/password", in: Self.lab, by: "x") }
                    == .notFound("db/password"))
            let entries = try await fixture.entries()
            #expect(
                entries.map { "\($0.actor) \($0.action) \($0.workspace ?? "")" } == [
                    "person:ada secret.set lab", "person:ada secret.set lab", "person:ada secret.set attic",
                    "person:ben secret.remove lab",
                ])
            #expect(!"\(entries)".contains(Self.value) && !"\(entries) \(listed)".contains("first"))
        }
    }

    @Test("no byte of a value is in the table, and one value twice looks like two")
    func encryption() async throws {
        try await withFixture { fixture in
            let store = SecretStore(fixture.pool, keys: SecretKeys(.random()))
            for name in ["a", "b"] { try await store.set(name, Secret(Self.value), in: Self.lab, by: "x") }
            let rows = try await fixture.pool.query("SELECT nonce, sealed FROM secrets.secrets ORDER BY name").all(
                ([UInt8], [UInt8]).self)
            #expect(rows[0].0 != rows[1].0 && rows[0].1 != rows[1].1)
            #expect(rows[0].1.count == Self.value.utf8.count + 16)
            let text = try await fixture.pool.query("SELECT s::text FROM secrets.secrets AS s").all(String.self)
            #expect(!text.joined().contains("horse"))
        }
    }

    @Test(
        "a row that was changed or moved is refused by the secret's name",
        arguments: [
            "UPDATE secrets.secrets SET name = 'b'", "UPDATE secrets.secrets SET version = version + 1",
            "UPDATE secrets.secrets SET workspace = '00000000-0000-0001-0000-000000000002'",
            "UPDATE secrets.secrets SET sealed = set_byte(sealed, 0, get_byte(sealed, 0) # 1)",
            "UPDATE secrets.secrets SET sealed = set_byte(sealed, length(sealed) - 1, get_byte(sealed, 43) # 128)",
            "UPDATE secrets.secrets SET nonce = set_byte(nonce, 11, get_byte(nonce, 11) # 1)",
            "UPDATE secrets.secrets SET sealed = ''",
        ])
    func tampering(_ statement: String) async throws {
        try await withFixture { fixture in
            let store = SecretStore(fixture.pool, keys: SecretKeys(.random()))
            try await store.set("a", Secret(Self.value), in: Self.lab, by: "x")
            try await fixture.pool.execute(PostgresQuery(unsafe: statement))
            let isMoved = statement.contains("workspace =")
            let name = statement.contains("name = 'b'") ? "b" : "a"
            let error = await refusal { _ = try await store.get(name, in: isMoved ? Self.attic : Self.lab) }
            #expect(error == .damaged(name: name))
            #expect(!"\(error.map { "\($0)" } ?? "")".contains("horse"))
        }
    }

    @Test("another key is told by its number, at the start and at the secret; an older one still reads")
    func keys() async throws {
        try await withFixture { fixture in
            let old = SecretKey.random()
            let new = SecretKey.random()
            try await SecretStore(fixture.pool, keys: SecretKeys(old)).set("a", Secret("v"), in: Self.lab, by: "x")
            let strange = SecretStore(fixture.pool, keys: SecretKeys(new))
            let expected = SecretError.unknownKey(name: "a", keyID: old.id, known: [new.id])
            #expect(await refusal { _ = try await strange.get("a", in: Self.lab) } == expected)
            #expect(await refusal { try await strange.check() } == expected)
            let both = SecretStore(fixture.pool, keys: SecretKeys(new, older: [old]))
            try await both.check()
            #expect(try await both.get("a", in: Self.lab).reveal() == "v")
            try await both.set("a", Secret("w"), in: Self.lab, by: "x")
            #expect(try await strange.get("a", in: Self.lab).reveal() == "w")
        }
    }

    @Test("names and values out of bounds are refused")
    func bounds() async throws {
        try await withFixture { fixture in
            let store = SecretStore(fixture.pool, keys: SecretKeys(.random()))
            for name in ["", "a b", "ä", String(repeating: "a", count: 201), "a\0"] {
                guard
                    case .malformed? = await refusal({ try await store.set(name, Secret("v"), in: Self.lab, by: "x") })
                else {
                    Issue.record("\(name) was taken")
                    continue
                }
            }
            let longest = String(repeating: "v", count: SecretStore.bytesMax)
            try await store.set("long", Secret(longest), in: Self.lab, by: "x")
            #expect(try await store.get("long", in: Self.lab).reveal() == longest)
            guard
                case .malformed? = await refusal({
                    try await store.set("long", Secret(longest + "v"), in: Self.lab, by: "x")
                })
            else {
                Issue.record("a value over the limit was taken")
                return
            }
        }
    }

    @Test("two who set one secret at once come one after the other")
    func atOnce() async throws {
        try await withFixture { fixture in
            let store = SecretStore(fixture.pool, keys: SecretKeys(.random()))
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<20 {
                    group.addTask { try await store.set("a", Secret("v\(number)"), in: Self.lab, by: "x") }
                }
                try await group.waitForAll()
            }
            #expect(try await store.get("a", in: Self.lab).reveal().hasPrefix("v"))
            #expect(try await fixture.entries().count == 20)
        }
    }

    @Test("AES-256-GCM is what everybody else computes")
    func algorithm() throws {
        // The fourteenth test case of the algorithm's specification: 16 zero bytes under a zero key and nonce.
        let key = try #require(SecretKey(bytes: [UInt8](repeating: 0, count: 32)))
        let nonce = [UInt8](repeating: 0, count: 12)
        let sealed = try #require(
            SecretCipher.seal([UInt8](repeating: 0, count: 16), key, nonce: nonce, context: []))
        let expected = "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919"
        #expect(sealed == SHA256Digest(hexadecimal: expected)?.bytes)
        #expect(SecretCipher.open(sealed, key, nonce: nonce, context: []) == [UInt8](repeating: 0, count: 16))
        #expect(SecretCipher.open(sealed, key, nonce: nonce, context: [0]) == nil)
    }

    @Test("a key's file is made once by all who start, and refused where others may read it or it is no key")
    func keyFile() async throws {
        let path = "/tmp/slipway-key-\(getpid())"
        defer { unlink(path) }
        let ids = try await withThrowingTaskGroup(of: String.self) { group in
            for _ in 0..<10 { group.addTask { try SecretKey.load(file: path).id } }
            return try await group.reduce(into: Set<String>()) { $0.insert($1) }
        }
        #expect(ids.count == 1)
        var facts = stat()
        #expect(stat(path, &facts) == 0 && facts.st_mode & 0o777 == 0o600)
        let bytes = try #require(try PrivateFile.read(path, limit: 100))
        let text = String(decoding: bytes.dropLast(), as: UTF8.self)
        let key = try SecretKey(Secret(text))
        #expect(ids == [key.id])
        #expect(!"\(key) \(String(reflecting: key)) \([key])".contains(text.prefix(16)))
        chmod(path, 0o640)
        let open = #expect(throws: SecretError.self) { try SecretKey.load(file: path) }
        #expect(open?.description.contains("mode 640") == true)
        try PrivateFile.replace(Array("not a key, but nobody else's business".utf8), at: path)
        let wrong = #expect(throws: SecretError.self) { try SecretKey.load(file: path) }
        #expect(wrong?.description.contains("business") == false && wrong?.description.contains(path) == true)
        #expect(throws: SecretError.self) { try SecretKey.load(file: "/nowhere/at/all") }
        #expect(throws: SecretError.self) { try SecretKey(Secret("short")) }
    }
}
