import Glibc
import HTTP
import Loop
import Protobuf
import ServiceKit
import ScorerFakes
import Serving
import Testing

@testable import ScorerCore

/// Keeps rows, or blocks or fails as it is told.
private final class MemorySink: CollectionSink {
    private let kept = Lock<[CollectedRow]>([])
    private let failing: Bool

    init(failing: Bool = false) { self.failing = failing }

    var rows: [CollectedRow] { kept.withLock { $0 } }

    func write(_ rows: [CollectedRow]) throws {
        if failing { throw CollectionFailure("/full", "can't be written") }
        kept.withLock { $0 += rows }
    }

    func close() throws {}
}

private func row(_ bytes: Int = 16, model: String = "iris", at time: WallTime = .now()) -> CollectedRow {
    let tensor = Tensor(
        name: "x", datatype: .fp32, shape: [1, bytes / 4], contents: [UInt8](repeating: 0, count: bytes)[...])
    let timing = InferenceTiming(queue: .zero, compute: .zero, batchSize: 1, closing: .single, ranInline: false)
    return CollectedRow(
        requestID: "r", correlationID: "c", time: time, model: model, version: 3, inputs: [tensor], outputs: [tensor],
        timing: timing)
}

/// Runs a collector until what it has is written.
private func drained(_ collector: Collector) async throws {
    let stop = StopSignal()
    stop.request()
    try await StopSignal.$current.withValue(stop) { try await collector.run() }
}

@Suite("collection", .timeLimit(.minutes(5))) struct CollectionTests {
    @Test("inputs and outputs of requests in every dialect are kept with their ids")
    func dialects() async throws {
        let sink = MemorySink()
        var settings = CollectionSettings()
        settings.rate = 1
        let collector = Collector(settings, sink: sink)
        try await withScorer([Models.iris()], collector: collector) { scorer async throws in
            let data = #"{"id":"a","inputs":[{"name":"x","datatype":"FP32","shape":[1,4],"data":[1,2,3,4]}]}"#
            let fields: HeaderFields = ["slipway-correlation-id": "order-7", "x-ms-client-request-id": "order-8"]
            _ = try await scorer.post("/v2/models/iris/infer", data, fields: fields)
            _ = try await scorer.post(
                "/score", #"{"data":[[1,2,3,4]]}"#,
                fields: ["x-ms-client-request-id": "order-8", "x-ms-request-id": "b"])
            _ = try await scorer.post("/invocations", #"{"inputs":[[1,2,3,4]]}"#)
            _ = try await scorer.post("/invocations", #"{"inputs":"no"}"#)
        }
        try await drained(collector)
        #expect(sink.rows.map(\.correlationID).prefix(2) == ["order-7", "order-8"])
        #expect(sink.rows.map(\.requestID).prefix(2) == ["a", "b"])
        #expect(sink.rows.count == 3 && collector.writtenCount == 3)
        #expect(sink.rows[2].requestID == sink.rows[2].correlationID && !sink.rows[2].requestID.isEmpty)
        #expect(Models.floats(sink.rows[0].inputs[0].contents) == [1, 2, 3, 4])
        #expect(sink.rows[0].outputs.map(\.name) == ["label", "sum"])
    }

    @Test("a rate takes that part of the requests, and none takes none", arguments: [0, 0.01, 0.25, 1])
    func rate(rate: Double) {
        var settings = CollectionSettings()
        settings.rate = rate
        let collector = Collector(settings, sink: MemorySink())
        let taken = (0..<10_000).reduce(0) { count, _ in count + (collector.takes() ? 1 : 0) }
        #expect(abs(taken - Int(rate * 10_000)) <= 10)
    }

    @Test("what finds no room is dropped and counted, by rows and by bytes")
    func full() async throws {
        var settings = CollectionSettings()
        settings.rate = 1
        settings.records = 10
        settings.buffer = ByteCount(100_000)
        let sink = MemorySink()
        let collector = Collector(settings, sink: sink)
        for _ in 0..<25 { collector.add(row()) }
        #expect(collector.droppedCount == 15)
        try await drained(collector)
        #expect(sink.rows.count == 10)
        collector.add(row(1 << 20))
        #expect(collector.droppedCount == 16)
    }

    @Test("rows that can't be written are counted as dropped, and the reason is told")
    func failing() async throws {
        let told = Lock<[String]>([])
        let collector = Collector(CollectionSettings(), sink: MemorySink(failing: true)) { error in
            told.withLock { $0.append("\(error)") }
        }
        collector.add(row())
        try await drained(collector)
        #expect(collector.droppedCount == 1 && collector.writtenCount == 0)
        #expect(told.withLock { $0.first }?.contains("/full") == true)
    }

    @Test("files lie by workspace, service, model, version, designation and day, and each line is JSON")
    func files() throws {
        try withFolder { folder in
            var settings = CollectionSettings()
            settings.folder = folder
            settings.service = "credit"
            settings.workspace = "lab"
            let sink = FileCollectionSink(settings)
            let time = WallTime(nanoseconds: 1_769_903_999_987_000_000)
            #expect(time.text == "2026-01-31T23:59:59.987Z")
            try sink.write([row(at: time), row(at: time)])
            try sink.close()
            for designation in ["inputs", "predictions"] {
                let place = "\(folder)/modeldata/lab/credit/iris/3/\(designation)/2026/01/31"
                let files = names(in: place)
                #expect(files.count == 1 && files[0].hasPrefix("235959-") && files[0].hasSuffix(".jsonl"))
                let lines = text("\(place)/\(files[0])").split(separator: "\n")
                #expect(lines.count == 2)
                let tree = try JSONCursor.read(Array(lines[0].utf8)[...]) { cursor throws(JSONProblem) in
                    try cursor.tree()
                }
                #expect(tree["correlation_id"] == "c" && tree["time"] == .string(time.text))
                #expect((tree["timing"] != nil) == (designation == "predictions"))
            }
        }
    }

    @Test("a file that is large enough is followed by another, and a name can't lead out of the folder")
    func rotation() throws {
        try withFolder { folder in
            var settings = CollectionSettings()
            settings.folder = folder
            settings.fileSize = ByteCount(300)
            settings.elements = 4
            let sink = FileCollectionSink(settings)
            let time = WallTime(nanoseconds: 1_769_903_999_987_000_000)
            for _ in 0..<6 { try sink.write([row(at: time)]) }
            try sink.write([row(1000, model: "../../x/y", at: time)])
            try sink.close()
            #expect(names(in: "\(folder)/modeldata/default/scorer/iris/3/inputs/2026/01/31").count >= 3)
            let strange = "\(folder)/modeldata/default/scorer/..%2F..%2Fx%2Fy/3/inputs/2026/01/31"
            let files = names(in: strange)
            #expect(files.count == 1)
            // More elements than are written: the shape alone.
            #expect(!text("\(strange)/\(files.first ?? "")").contains("\"data\""))
            #expect(FileCollectionSink.safe("..") == "%2E%2E")
        }
    }

    private func withFolder(_ body: (String) throws -> Void) throws {
        var template = Array("/tmp/slipway-collected-XXXXXX".utf8CString)
        try #require(mkdtemp(&template) != nil)
        let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        defer { remove(all: path) }
        try body(path)
    }

    private func names(in path: String) -> [String] {
        guard let folder = opendir(path) else { return [] }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }

    private func remove(all path: String) {
        for name in names(in: path) {
            let inner = "\(path)/\(name)"
            if unlink(inner) != 0 { remove(all: inner) }
        }
        rmdir(path)
    }

    private func text(_ path: String) -> String {
        guard let file = fopen(path, "r") else { return "" }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 1 << 20)
        let count = fread(&bytes, 1, bytes.count, file)
        return String(decoding: bytes.prefix(count), as: UTF8.self)
    }
}
