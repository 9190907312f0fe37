import Secrets
import Testing

@Suite("Sealed bytes")
struct SecretBoxTests {
    private let box = SecretBox(SecretKeys(.random()))
    private let plain = Array("a replica's key".utf8)

    @Test("sealed bytes are opened for the purpose they were sealed for")
    func opens() throws {
        let sealed = try box.seal(plain, for: SecretBox.replicaKey("r-1"))
        #expect(try box.open(sealed, for: SecretBox.replicaKey("r-1")) == plain)
        #expect(try box.seal(plain, for: SecretBox.replicaKey("r-1")) != sealed)
    }

    @Test("sealed bytes are refused for another purpose, with another key, and with any bit changed")
    func refuses() throws {
        let sealed = try box.seal(plain, for: "one")
        #expect(throws: SecretError.self) { try box.open(sealed, for: "another") }
        #expect(throws: SecretError.self) { try SecretBox(SecretKeys(.random())).open(sealed, for: "one") }
        for index in sealed.indices {
            var changed = sealed
            changed[index] ^= 1
            #expect(throws: SecretError.self) { try box.open(changed, for: "one") }
            #expect(throws: SecretError.self) { try box.open(Array(sealed[..<index]), for: "one") }
        }
    }

    @Test("bytes sealed with a former key are opened while it is known")
    func formerKey() throws {
        let (former, current) = (SecretKey.random(), SecretKey.random())
        let sealed = try SecretBox(SecretKeys(former)).seal(plain, for: "one")
        #expect(try SecretBox(SecretKeys(current, older: [former])).open(sealed, for: "one") == plain)
    }
}
