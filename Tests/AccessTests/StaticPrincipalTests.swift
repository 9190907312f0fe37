@testable import HTTP
import Testing

@testable import Access

@Suite("principals from configuration") struct StaticPrincipalTests {
    @Test("a line gives a principal with its roles, found by token and by certificate")
    func line() throws {
        let token = AccessToken.make(.service).proof
        let entry = try StaticPrincipals.Entry(
            "name=deployer kind=service workspace=default role=owner workspace=lab role=reader "
                + "token=\(token.digest.hexadecimal) certificate=uri:spiffe://slipway/deployer")
        let source = StaticPrincipals([entry])
        let certificate = PeerCertificate(
            subject: "CN=x", dnsNames: ["d"], uris: ["spiffe://slipway/deployer"], fingerprint: "00")
        for credential in [Credential.token(token), .certificate(certificate)] {
            guard case .found(.granted(let grants)) = source.known(credential) else {
                Issue.record("\(credential) is not known")
                continue
            }
            #expect(grants.principal.description == "service:deployer")
            #expect(grants.member(of: nil)?.role == .owner)
            #expect(grants.member(of: "lab")?.role == .reader)
            #expect(!grants.isAdministrator)
        }
        for credential in [
            Credential.token(AccessToken.make(.service).proof),
            .certificate(PeerCertificate(subject: "CN=deployer", commonName: "deployer", fingerprint: "01")),
        ] {
            guard case .found(.unknown) = source.known(credential) else {
                Issue.record("\(credential) is known")
                continue
            }
        }
    }

    @Test(
        "a line that says something else is refused with the word",
        arguments: [
            ("kind=service", "a principal needs a name"), ("name=x kind=robot", "the kind \"robot\""),
            ("name=x role=owner", "role=owner"), ("name=x workspace=w", "the workspace w has no role"),
            ("name=x workspace=w role=king", "role=king"), ("name=x token=slw_p_1", "by its SHA-256"),
            ("name=x certificate=x", "certificate=x"), ("name=x colour=red", "colour=…"), ("name=x what", "\"what\""),
        ])
    func malformed(_ line: String, _ expected: String) {
        let error = #expect(throws: StaticPrincipalError.self) { try StaticPrincipals.Entry(line) }
        #expect(error?.description.contains(expected) == true, "\(error?.description ?? "")")
    }
}
