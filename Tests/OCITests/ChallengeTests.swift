import Testing

@testable import OCI

@Suite("What registries ask for")
struct ChallengeTests {
    @Test(
        "a challenge is read with its quotes, blanks and commas",
        arguments: [
            (
                #"Bearer realm="https://auth.example/token",service="r.example",scope="repository:a:pull,push""#,
                AuthenticationChallenge.bearer(
                    realm: "https://auth.example/token", service: "r.example", scope: "repository:a:pull,push")
            ),
            (#"bearer  realm=https://a , service="x\"y""#, .bearer(realm: "https://a", service: #"x"y"#, scope: "")),
            (#"Basic realm="Registry""#, .basic),
        ])
    func challenges(header: String, expected: AuthenticationChallenge) {
        #expect(AuthenticationChallenge(header) == expected)
    }

    @Test("what is not understood is not guessed at", arguments: ["Negotiate", "Bearer service=\"x\"", ""])
    func unknown(header: String) { #expect(AuthenticationChallenge(header) == nil) }

    @Test("registries of this machine are spoken to without TLS, others only where they are named")
    func schemes() {
        let settings = RegistrySettings(plainRegistries: ["inside:5000"])
        #expect(settings.address(of: "127.0.0.1:5000") == "http://127.0.0.1:5000")
        #expect(settings.address(of: "inside:5000") == "http://inside:5000")
        #expect(settings.address(of: "r.example") == "https://r.example")
        #expect(settings.address(of: "docker.io") == "https://registry-1.docker.io")
    }
}
