import HTTP
internal import RPC
import ServiceKit
import Testing

@testable import Access

@Suite("tokens") struct TokenTests {
    @Test("a new token has the documented form and is read back", arguments: PrincipalKind.allCases)
    func form(_ kind: PrincipalKind) throws {
        let (secret, made) = AccessToken.make(kind)
        let text = secret.reveal()
        #expect(text.wholeMatch(of: /slw_[psd]_[0-9A-Za-z]{59}/) != nil)
        let proof = try #require(TokenProof(text))
        #expect(proof == made)
        #expect(proof.kind == kind)
        #expect(text.dropFirst(6).prefix(10) == proof.id)
        #expect(proof.digest == SHA256Digest(of: Array(text.utf8)))
        #expect(!"\(secret) \(proof)".contains(text.dropFirst(16)))
    }

    @Test("no two tokens share a public part or a secret")
    func uniqueness() {
        let made = (0..<2000).map { _ in AccessToken.make(.person) }
        #expect(Set(made.map(\.proof.id)).count == made.count)
        #expect(Set(made.map { $0.text.reveal().dropFirst(16).prefix(43) }).count == made.count)
    }

    @Test("any one changed character is noticed without a database")
    func typing() {
        let text = Array(AccessToken.make(.service).text.reveal().utf8)
        for index in text.indices {
            for wrong in [UInt8(ascii: "0"), UInt8(ascii: "q"), UInt8(ascii: "!"), 0xC3] where text[index] != wrong {
                var changed = text
                changed[index] = wrong
                #expect(changed.withUnsafeBytes { TokenProof($0) } == nil, "index \(index)")
            }
        }
        for count in text.indices { #expect(text[..<count].withUnsafeBytes { TokenProof($0) } == nil) }
        #expect((text + [UInt8(ascii: "0")]).withUnsafeBytes { TokenProof($0) } == nil)
    }

    @Test("the digest and the checksum are what everybody else computes")
    func algorithms() {
        #expect(
            SHA256Digest(of: Array("abc".utf8)).hexadecimal
                == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        let digest = SHA256Digest(of: [])
        #expect(SHA256Digest(hexadecimal: digest.hexadecimal) == digest)
        #expect(SHA256Digest(bytes: digest.bytes) == digest)
        #expect(SHA256Digest(hexadecimal: "00") == nil)
        #expect(SHA256Digest(hexadecimal: String(repeating: "g", count: 64)) == nil)
        #expect(Array("123456789".utf8).withUnsafeBytes { CRC32.of($0) } == 0xCBF4_3926)
    }

    @Test("what a request shows is read from its fields")
    func fields() {
        func presented(_ fields: HeaderFields) -> String {
            let presented = Presented(fields)
            let proof =
                switch presented.proof {
                case .nothing: "nothing"
                case .unusable: "unusable"
                case .token: "token"
                }
            return presented.workspace.map { "\(proof) in \($0)" } ?? proof
        }
        let token = AccessToken.make(.person).text.reveal()
        #expect(presented([:]) == "nothing")
        #expect(presented(["authorization": "Bearer \(token)"]) == "token")
        #expect(presented(["Authorization": "bearer \(token)", "Slipway-Workspace": "lab"]) == "token in lab")
        #expect(presented(["authorization": token]) == "unusable")
        #expect(presented(["authorization": "Basic \(token)"]) == "unusable")
        #expect(presented(["authorization": "Bearer "]) == "unusable")
        #expect(presented(["authorization": "Bearer \(token)", "authorization": "Bearer \(token)"]) == "unusable")
        #expect(presented(["authorization": "Bearer \(token) "]) == "unusable")
    }
}
