import CommandLineKit
import Contracts
import Protobuf
import Testing

@Suite("Output")
struct OutputTests {
    private var table: Table {
        var table = Table([.init("NAME", shrinksTo: 6), .init("SIZE", .right), .init("NOTE", shrinksTo: 5)])
        table.add(["churn", "3.0 MB", "who will leave us"])
        table.add(["übersicht-日本", "12 bytes", "a\u{1b}[31mb\n"])
        return table
    }

    @Test("a table is as wide as it must be, and shows no orders to a terminal")
    func wide() {
        #expect(
            table.text() == """
                NAME                SIZE  NOTE
                churn             3.0 MB  who will leave us
                übersicht-日本  12 bytes  a\\u{1b}[31mb\\n

                """)
    }

    @Test("a table gives way where the terminal is narrow, down to what its columns need")
    func narrow() {
        #expect(
            table.text(width: 32) == """
                NAME            SIZE  NOTE
                churn         3.0 MB  who will …
                übersicht…  12 bytes  a\\u{1b}[3…

                """)
    }

    @Test(
        "amounts of bytes have two digits",
        arguments: [
            (0, "0 bytes"), (1, "1 byte"), (999, "999 bytes"), (1000, "1.0 kB"), (9_949, "9.9 kB"), (9_950, "10 kB"),
            (999_499, "999 kB"), (999_500, "1.0 MB"), (5_000_000_000, "5.0 GB"), (Int64.max, "9.2 EB"),
        ] as [(Int64, String)])
    func bytes(_ count: Int64, _ text: String) { #expect(Amounts.bytes(count) == text) }

    @Test(
        "times are told by their distance",
        arguments: [
            (0, "just now"), (4, "just now"), (59, "59 seconds ago"), (119, "119 seconds ago"), (120, "2 minutes ago"),
            (7200, "2 hours ago"), (172_800, "2 days ago"), (1_209_600, "2 weeks ago"), (63_115_200, "2 years ago"),
            (-7200, "in 2 hours"),
        ] as [(Int64, String)])
    func relative(_ distance: Int64, _ text: String) {
        #expect(Amounts.relative(1_000_000_000 - distance, now: 1_000_000_000) == text)
    }

    private var version: Slipway.Models.V1.ModelVersion {
        var version = Slipway.Models.V1.ModelVersion()
        version.model = "churn"
        version.version = 3
        version.description = "yes"
        version.files = [.init(path: "a: b", digest: "sha256:00", sizeBytes: 12), .init(path: "c")]
        version.tags = ["team": "growth", "b": "", "a": "1.0"]
        version.metrics = ["auc": 0.93, "n": 4]
        version.createdAt = .init(seconds: 1, nanos: 0)
        return version
    }

    @Test("JSON is protobuf's mapping, laid out, with maps by key")
    func json() throws {
        #expect(
            try Document(version).json == """
                {
                  "model": "churn",
                  "version": 3,
                  "description": "yes",
                  "files": [
                    {
                      "path": "a: b",
                      "digest": "sha256:00",
                      "sizeBytes": "12"
                    },
                    {
                      "path": "c"
                    }
                  ],
                  "tags": {
                    "a": "1.0",
                    "b": "",
                    "team": "growth"
                  },
                  "metrics": {
                    "auc": 0.93,
                    "n": 4
                  },
                  "createdAt": "1970-01-01T00:00:01Z"
                }

                """)
    }

    @Test("YAML quotes what could be taken for something else")
    func yaml() throws {
        #expect(
            try Document(version).yaml == """
                model: churn
                version: 3
                description: "yes"
                files:
                  - path: "a: b"
                    digest: "sha256:00"
                    sizeBytes: "12"
                  - path: c
                tags:
                  a: "1.0"
                  b: ""
                  team: growth
                metrics:
                  auc: 0.93
                  "n": 4
                createdAt: "1970-01-01T00:00:01Z"

                """)
        #expect(try Document(Slipway.Models.V1.ListModelsResponse()).yaml == "{}\n")
    }

    @Test("a bar fits its line")
    func bar() {
        let line = ProgressLine(label: "uploading", done: 500_000_000, total: 2_000_000_000, seconds: 5)
        #expect(
            line.bar(width: 80)
                == "uploading  [====>                ]   25 %  500 MB of 2.0 GB  100 MB/s  15s left")
        #expect(line.bar(width: 30) == "uploading   25 %  500 MB of 2…")
        #expect(line.text == "uploading:  25 %, 500 MB of 2.0 GB  100 MB/s  15s left")
        #expect(ProgressLine(label: "x", done: 0, total: 0, seconds: 0).text == "x: 100 %, 0 bytes of 0 bytes")
    }
}
