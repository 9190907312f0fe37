import Glibc
import Loop
import Testing

@testable import Serving

@Suite("A model's own configuration")
struct ConfigurationTests {
    private static func read(_ text: String) throws(ServingError) -> ModelConfiguration {
        try ModelConfiguration(json: Array(text.utf8)[...])
    }

    @Test("everything that can be said is read")
    func reads() throws {
        let read = try Self.read(
            """
            {"adapter": "onnxruntime", "file": "a.onnx", "options": {"a": "b", "n": 2, "t": true}, "versions": [1, 3],
             "execution": "pool", "inline_limit_us": 20, "instances": 2, "concurrency": 3, "threads": 4,
             "timeout_ms": 1000, "load_timeout_ms": 2000, "queue": {"limit": 5, "wait_ms": 10},
             "batching": {"largest": 8, "preferred": [8, 4], "delay_us": 100, "priorities": 2},
             "warmup": {"runs": 1, "generated": false}}
            """)
        #expect(read.adapter == "onnxruntime" && read.file == "a.onnx")
        #expect(read.options == ["a": "b", "n": "2", "t": "true"])
        #expect(read.versions == .specific([1, 3]))
        #expect(read.execution.place == .pool && read.execution.concurrency == 3 && read.execution.threads == 4)
        #expect(read.execution.timeout == .seconds(1) && read.execution.queueWait == .milliseconds(10))
        #expect(
            read.execution.batching
                == BatchPolicy(
                    joins: true, largest: 8, preferred: [4, 8], delay: .microseconds(100), limit: 5, levels: 2))
        #expect(read.warmup.runs == 1 && !read.warmup.isGenerated)
        #expect(try Self.read("{\"versions\": {\"latest\": 3}}").versions == .latest(3))
        let azure = try Self.read("{\"limits\": \"azure\"}").execution
        #expect(azure.concurrency == 1 && azure.queueWait == .milliseconds(500) && azure.timeout == .seconds(60))
    }

    @Test(
        "what cannot be is refused with what was meant",
        arguments: [
            ("{\"instnces\": 1}", "instnces is unknown; did you mean instances?"),
            ("{\"batching\": {\"delay_u\": 1}}", "batching.delay_u is unknown; did you mean batching.delay_us?"),
            ("{\"execution\": \"fast\"}", "execution must be one of auto, inline, pool, not \"fast\""),
            ("{\"instances\": 65}", "instances must be from 0 to 64, not 65"),
            ("{\"limits\": \"aws\"}", "limits must be \"azure\", not \"aws\""),
        ])
    func refuses(text: String, message: String) {
        let error = #expect(throws: ServingError.self) { try Self.read(text) }
        #expect(error?.message == message)
    }

    @Test("a folder of models is read with versions, single files, configurations and samples")
    func folder() throws {
        let folder = try Folder()
        defer { folder.remove() }
        try folder.write("wine/1/model.bin", "a")
        try folder.write("wine/12/model.bin", "b")
        try folder.write("wine/notes.txt", "")
        try folder.write("wine/slipway.json", "{\"instances\": 3}")
        try folder.write("wine/12/slipway.json", "{\"threads\": 2}")
        try folder.write("wine/warmup/one.json", Self.sample)
        try folder.write("plain/model.bin", "c")
        try folder.write("single.onnx", "d")
        try folder.write("single.onnx.slipway.json", "{\"instncs\": 1}")
        try folder.write("README.md", "for people")
        try folder.write(".hidden/model.bin", "e")
        let found = try FolderSource(folder.path).scan()
        #expect(found.map(\.name) == ["plain", "single", "wine"])
        #expect(found.map(\.version) == [1, 1, 12])
        #expect(found[1].fault?.message.contains("did you mean instances?") == true)
        #expect(found[1].file == "single.onnx")
        #expect(found[2].configuration.execution.instances == 3 && found[2].configuration.execution.threads == 2)
        #expect(try ModelFolder.samples(of: found[2]).map(\.name) == ["one.json"])

        try folder.write("wine/12/model.bin", "longer")
        let again = try FolderSource(folder.path).scan()
        #expect(again[2].fingerprint != found[2].fingerprint)
        #expect(again[0].fingerprint == found[0].fingerprint)
    }

    private static let sample = """
        {"inputs": [{"name": "x", "datatype": "FP32", "shape": [1, 2], "data": [[1, 2]]}],
         "outputs": [{"name": "y", "datatype": "FP32", "shape": [1, 2], "data": [2, 4]}], "tolerance": 0.01}
        """

    @Test("a sample is read, and says where an answer differs")
    func samples() throws {
        let sample = try Sample(name: "s", json: Array(Self.sample.utf8)[...])
        #expect(sample.inputs[0].floats == [1, 2])
        #expect(sample.difference(from: [.floats("y", [1, 2], [2, 4.02])]) == nil)
        #expect(
            sample.difference(from: [.floats("y", [1, 2], [2, 4.5])])
                == "output 'y' is 4.5 at element 1; expected is 4.0, within 0.01")
        #expect(sample.difference(from: []) == "output 'y' is missing")
        let error = #expect(throws: ServingError.self) {
            try Sample(
                name: "s",
                json: Array("{\"inputs\": [{\"name\": \"x\", \"shape\": [1], \"datatype\": \"FP33\"}]}".utf8)[...])
        }
        #expect(error?.message == "sample s: datatype \"FP33\" does not exist")
    }

    @Test("a golden sample that is answered otherwise fails the load with what differs")
    func golden() async throws {
        let folder = try Folder()
        defer { folder.remove() }
        try folder.write("warmup/golden.json", Self.sample)
        try await Bench.run { bench in
            var version = Bench.version("m", options: ["factor": "2"])
            version.folder = folder.path
            try await bench.state([version])
            #expect(bench.manager.isReady)
            version.configuration.options["factor"] = "3"
            version.fingerprint = 2
            try await bench.state([version])
            #expect(
                bench.manager.list().last?.reason
                    == "sample golden.json was answered wrongly: output 'y' is 3.0 at element 0; expected is 2.0, within 0.01"
            )
            #expect(try await bench.infer("m").outputs[0].floats == [2, 4])
        }
    }
}

/// A folder for the length of a test.
struct Folder {
    let path: String

    init() throws {
        var template = Array("/tmp/slipway-serving-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw ServingError(.faulty, "mkdtemp: \(errno)") }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    func write(_ name: String, _ text: String) throws {
        var folder = path
        for part in name.split(separator: "/").dropLast() {
            folder += "/\(part)"
            mkdir(folder, 0o755)
        }
        guard let file = fopen("\(path)/\(name)", "w") else { throw ServingError(.faulty, "\(name): \(errno)") }
        defer { fclose(file) }
        fputs(text, file)
    }

    func remove() { Folder.remove(path) }

    private static func remove(_ path: String) {
        for name in (try? Files.list(path)) ?? [] { remove("\(path)/\(name)") }
        _ = Glibc.remove(path)
    }
}
