import CommandLineKit
import Contracts
import Testing

@testable import Slipway

@Suite("Steps and amounts")
struct StepTextTests {
    @Test(
        "a step is read as a Dockerfile has it",
        arguments: [
            ("ENV A=b", ["ENV A=b"]), ("env A=\"b c\" D='e f'", ["ENV A=b c", "ENV D=e f"]),
            ("LABEL a.b=c\\ d", ["LABEL a.b=c d"]), ("ENV A=", ["ENV A="]), ("WORKDIR /srv", ["WORKDIR /srv"]),
            ("USER 1000:1000", ["USER 1000:1000"]), ("COPY a b/", ["COPY a b/"]),
            ("COPY a b /c/", ["COPY a /c/", "COPY b /c/"]), ("ENV A='\\'", ["ENV A=\\"]),
        ])
    func steps(_ text: String, _ steps: [String]) throws {
        #expect(try StepText.parse(text).map(StepText.text) == steps)
    }

    @Test(
        "what is no step is refused, with what would be right",
        arguments: [
            ("", "must be one of ENV"), ("RUN make", "packages belong in the dependency file"),
            ("EVN A=b", "did you mean ENV?"), ("ENV A b", "must be as 'ENV A=b'"), ("ENV", "must be as 'ENV A=b'"),
            ("COPY a", "must be as 'COPY"), ("COPY a b c", "whose path ends in /"),
            ("COPY --chown=1 a b", "no flags here"), ("ENV A=\"b", "left open"), ("WORKDIR", "must be as 'WORKDIR"),
            ("FROM scratch", "--base says"), ("USER a b", "must be as 'USER"),
        ])
    func refused(_ text: String, _ message: String) {
        #expect { try StepText.parse(text) } throws: { ($0 as? UsageError)?.message.contains(message) == true }
    }

    @Test(
        "amounts of memory are read, and nothing else is",
        arguments: [
            ("1GB", 1_000_000_000), ("1.5gb", 1_500_000_000), ("512MiB", 536_870_912), ("2Gi", 2_147_483_648),
            ("100", 100), ("1k", 1000), ("3M", 3_000_000), ("3m", nil), ("", nil), ("GB", nil), ("-1GB", nil),
            ("1XB", nil), ("1e3", nil), ("99999999TB", nil), ("1.2.3GB", nil),
        ] as [(String, Int64?)])
    func sizes(_ text: String, _ bytes: Int64?) { #expect(SizeText.bytes(text) == bytes) }

    @Test(
        "numbers of cores are read, and nothing else is",
        arguments: [
            ("2", 2000), ("0.5", 500), ("500m", 500), (".25", 250), ("0", nil), ("-1", nil), ("", nil), ("m", nil),
            ("nan", nil), ("1e99", nil), ("0.0001", nil),
        ] as [(String, Int32?)])
    func cores(_ text: String, _ thousandths: Int32?) { #expect(CoresText.thousandths(text) == thousandths) }

    @Test("a line of progress fits its terminal")
    func line() {
        let line = ActivityLine(label: "building", fraction: 0.5, step: "packages", message: "numpy\n2", seconds: 75)
        #expect(line.bar(width: 80) == "building  [=========>          ]   50 %  1m 15s  packages: numpy\\n2")
        #expect(line.bar(width: 30) == "building   50 %  1m 15s  pack…")
        #expect(line.text == "building: 50 %, packages: numpy\\n2")
        #expect(ActivityLine(label: "pushing").text == "pushing")
    }
}
