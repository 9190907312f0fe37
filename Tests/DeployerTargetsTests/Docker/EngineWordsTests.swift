import HTTP
import Testing

@testable import DeployerTargets

@Suite("What engines and people write")
struct EngineWordsTests {
    @Test(
        "an engine's address is read as Docker reads it",
        arguments: [
            ("unix:///var/run/docker.sock", SocketAddress.unix(path: "/var/run/docker.sock"), false),
            ("unix:/run/d.sock", .unix(path: "/run/d.sock"), false), ("/run/d.sock", .unix(path: "/run/d.sock"), false),
            ("tcp://engine:2375", .tcp(host: "engine", port: 2375), false),
            ("tcp://engine:2376", .tcp(host: "engine", port: 2376), true),
            ("tcp://engine", .tcp(host: "engine", port: 2375), false),
            ("https://engine/", .tcp(host: "engine", port: 2376), true),
            ("10.0.0.7:4000", .tcp(host: "10.0.0.7", port: 4000), false),
            ("tcp://[fd00::7]:2375", .tcp(host: "fd00::7", port: 2375), false),
        ])
    func addresses(_ text: String, _ socket: SocketAddress, _ wantsTLS: Bool) throws {
        let address = try EngineAddress(text)
        #expect(address.socket == socket)
        #expect(address.wantsTLS == wantsTLS)
    }

    @Test(
        "what is no address of an engine is refused with an example",
        arguments: [
            "", "unix://", "unix://run/d.sock", "ssh://engine", "npipe:////./pipe/docker", "tcp://", "tcp://engine:0",
            "tcp://engine:99999", "tcp://engine:2375/path", "/" + String(repeating: "a", count: 120),
        ])
    func refusedAddresses(_ text: String) {
        let error = #expect(throws: TargetError.self) { try EngineAddress(text) }
        #expect(error?.code == .refused)
        #expect(error?.message.contains("unix:///var/run/docker.sock") ?? false)
    }

    @Test("the version that both speak is taken, and what is too old or too new is named")
    func versions() throws {
        func facts(_ newest: String, _ oldest: String) throws(EngineError) -> EngineFacts {
            try EngineFacts([
                "ApiVersion": .text(newest), "MinAPIVersion": .text(oldest), "Version": "1.2.3", "Os": "linux",
                "Arch": "amd64",
            ])
        }
        #expect(try facts("1.41", "1.12").spoken == EngineVersion(1, 41))
        #expect(try facts("1.99", "1.44").spoken == .newest)
        let old = #expect(throws: EngineError.self) { try facts("1.39", "1.12") }
        #expect(old?.kind == .unsuitable)
        #expect(old?.message.contains("1.39") ?? false)
        #expect(old?.message.contains("1.40") ?? false)
        #expect(#expect(throws: EngineError.self) { try facts("2.0", "1.90") }?.kind == .unsuitable)
        #expect(#expect(throws: EngineError.self) { try facts("new", "1.90") }?.kind == .garbled)
    }

    @Test("frames of a log are read however they are cut")
    func frames() throws {
        func frame(_ stream: UInt8, _ text: String) -> [UInt8] {
            [stream, 0, 0, 0, 0, 0, UInt8(text.utf8.count >> 8), UInt8(text.utf8.count & 255)] + Array(text.utf8)
        }
        let bytes = frame(1, "first\n") + frame(2, "") + frame(2, String(repeating: "x", count: 300))
        for size in [1, 2, 7, 8, 9, 100, 1000] {
            var frames = LogFrames()
            var found: [LogFrames.Frame] = []
            var rest = bytes[...]
            while !rest.isEmpty {
                found += try frames.add(rest.prefix(size))
                rest = rest.dropFirst(size)
            }
            #expect(found.map(\.stream) == [1, 2, 2])
            #expect(found.map(\.bytes.count) == [6, 0, 300])
        }
        var frames = LogFrames()
        #expect(throws: EngineError.self) { try frames.add(Array("plain text of a log".utf8)[...]) }
    }

    @Test("lines are put together out of their parts, each stream for itself, with the time of their beginning")
    func lines() {
        var lines = LogLines()
        func add(_ stream: UInt8, _ text: String) -> [ReplicaLogLine] {
            lines.add(.init(stream: stream, bytes: Array(text.utf8)))
        }
        #expect(add(1, "2026-11-21T07:26:23.000000001Z begins, ") == [])
        #expect(
            add(2, "2026-11-21T07:26:24.5Z other\n") == [ReplicaLogLine(at: 1_795_245_984_500_000_000, text: "other")])
        #expect(
            add(1, "2026-11-21T07:26:25Z and ends\n") == [
                ReplicaLogLine(at: 1_795_245_983_000_000_001, text: "begins, and ends")
            ])
        #expect(add(1, "2026-11-21T07:26:25Z \n").map(\.text) == [""])
        #expect(add(1, "no time at all\n").map(\.text) == ["no time at all"])
        #expect(add(1, "2026-11-21T07:26:26Z left").isEmpty)
        #expect(lines.finish().map(\.text) == ["left"])
        #expect(lines.finish().isEmpty)
    }

    @Test("lines are cut at their ends, and where they are too long")
    func splitting() {
        var splitter = LineSplitter(limit: 8)
        func add(_ text: String) -> [String] {
            splitter.add(Array(text.utf8)[...]).map { String(decoding: $0, as: UTF8.self) }
        }
        #expect(add("one\r\ntw") == ["one"])
        #expect(add("o\n\n") == ["two", ""])
        #expect(add("123456789") == ["12345678"])
        #expect(String(decoding: splitter.take(), as: UTF8.self) == "9")
    }

    @Test("an engine's 128 and more is a signal, and out of memory is kept")
    func endings() {
        func ending(_ code: Int64, _ ranOut: Bool = false) -> ObservedReplica.Ending {
            DockerTarget.ending([
                "ExitCode": .number(Double(code)), "OOMKilled": .boolean(ranOut),
                "FinishedAt": "2026-11-21T07:26:25.25Z",
            ])
        }
        #expect(ending(3) == .init(code: 3, at: 1_795_245_985_250_000_000))
        #expect(ending(139).signal == 11)
        #expect(ending(139).code == nil)
        #expect(ending(137, true).ranOutOfMemory)
        #expect(ending(255).code == 255)
        #expect(DockerTarget.ending(["FinishedAt": "0001-01-01T00:00:00Z"]) == .init())
    }

    @Test("last words are whole lines, and no more than 4 KiB")
    func lastWords() throws {
        func log(_ lines: [String]) -> [UInt8] {
            lines.flatMap { line in
                let bytes = Array("\(line)\n".utf8)
                return [1, 0, 0, 0, 0, 0, UInt8(bytes.count >> 8), UInt8(bytes.count & 255)] + bytes
            }
        }
        #expect(try DockerTarget.lastWords(log(["a", "b"])) == "a\nb\n")
        let many = try DockerTarget.lastWords(log((0..<1000).map { "line \($0)" }))
        #expect(many.utf8.count <= 4096)
        #expect(many.hasPrefix("line "))
        #expect(many.hasSuffix("line 999\n"))
        #expect(try DockerTarget.lastWords(log([String(repeating: "ü", count: 4000)])).utf8.count <= 4096)
    }

    @Test("dates of answers are read")
    func dates() {
        #expect(EngineTime.seconds(ofHTTPDate: "Sat, 21 Nov 2026 07:26:24 GMT") == 1_795_245_984)
        #expect(EngineTime.seconds(ofHTTPDate: "yesterday") == nil)
        #expect(EngineTime.text(of: 1_795_245_984_000_000_007) == "1795245984.000000007")
    }
}
