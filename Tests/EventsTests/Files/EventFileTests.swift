import Contracts
import Glibc
import Testing

@testable import EventsCore

@Suite("Files of events") struct EventFileTests {
    private func withFolder(_ body: (String) async throws -> Void) async throws {
        var template = Array("/tmp/slipway-events-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { return }
        let folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        defer { Self.remove(folder) }
        try await body(folder)
    }

    private static func remove(_ path: String) {
        if let listing = opendir(path) {
            while let entry = readdir(listing) {
                let name = withUnsafeBytes(of: entry.pointee.d_name) {
                    String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
                }
                if name != ".", name != ".." {
                    // A link is removed, and what it leads to left alone.
                    let inner = "\(path)/\(name)"
                    if unlink(inner) != 0 { remove(inner) }
                }
            }
            closedir(listing)
        }
        rmdir(path)
    }

    private func file(_ path: String) -> DestinationSpecification {
        var (file, destination) = (Slipway.Events.V1.EventFile(), Slipway.Events.V1.Destination())
        file.path = path
        destination.kind = .file(file)
        return DestinationSpecification(destination)
    }

    private func send(_ ids: [Int64], _ path: String, _ folder: String, _ rules: EventFileRules = EventFileRules())
        async throws -> DeliveryOutcome
    {
        try await Sending.with(files: folder, rules: rules) { sender in
            await sender.send(
                ids.map { .sample(id: $0) }, to: file(path), attempt: DeliveryAttempt(id: "d", number: 1))
        }
    }

    private func ids(_ path: String) throws -> [EventValue?] {
        try EventDocuments.read(path).split(separator: "\n").map { EventValue(json: String($0))?["id"] }
    }

    @Test("events are appended, a line each, in folders that are made")
    func appends() async throws {
        try await withFolder { folder async throws in
            #expect(try await send([1, 2], "a/b/events.jsonl", folder).kind == .delivered)
            #expect(try await send([3], "a/b/events.jsonl", folder).kind == .delivered)
            #expect(try ids("\(folder)/a/b/events.jsonl") == ["1", "2", "3"])
        }
    }

    @Test("a full file makes room for a new one, and the oldest goes")
    func rotates() async throws {
        try await withFolder { folder async throws in
            for id in Int64(1)...4 {
                #expect(try await send([id], "e", folder, EventFileRules(bytesMax: 10, kept: 2)).kind == .delivered)
            }
            #expect(try ids("\(folder)/e") == ["4"])
            #expect(try ids("\(folder)/e.1") == ["3"])
            #expect(try ids("\(folder)/e.2") == ["2"])
            #expect(throws: (any Error).self) { try EventDocuments.read("\(folder)/e.3") }
        }
    }

    @Test("what a writer that died left of a line stays a line of its own")
    func torn() async throws {
        try await withFolder { folder async throws in
            try EventDocuments.write("{\"id\":\"1\"}\n{\"id\":", to: "\(folder)/e")
            #expect(try await send([2], "e", folder).kind == .delivered)
            #expect(try ids("\(folder)/e") == ["1", nil, "2"])
        }
    }

    @Test(
        "a path that could lead out of the folder is refused",
        arguments: ["", "/etc/passwd", "../x", "a/../../x", "a//b", ".hidden", "a/./b", "a\nb", "a/", "ä"])
    func confined(_ path: String) async throws {
        try await withFolder { folder async throws in
            let error = await #expect(throws: DestinationError.self) {
                try await Sending.with(files: folder) { try await $0.check(file(path).destination) }
            }
            #expect(error?.field == "file.path")
        }
    }

    @Test("links are not followed, neither of folders nor of files, and a pipe is no file")
    func links() async throws {
        try await withFolder { folder async throws in
            #expect(symlink("/tmp", "\(folder)/out") == 0)
            #expect(symlink("/tmp/slipway-elsewhere", "\(folder)/link") == 0)
            #expect(mkfifo("\(folder)/pipe", 0o600) == 0)
            for path in ["out/x", "link", "pipe"] {
                #expect(try await send([1], path, folder).kind == .failed(retryAfter: nil))
                await #expect(throws: DestinationError.self) {
                    try await Sending.with(files: folder) { try await $0.check(file(path).destination) }
                }
            }
        }
    }

    @Test("without a folder in the settings there are no files")
    func none() async throws {
        let error = await #expect(throws: DestinationError.self) {
            try await Sending.with { try await $0.check(file("x").destination) }
        }
        #expect(error?.reason == .forbidden)
    }
}
