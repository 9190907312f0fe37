import AdapterContracts
import Glibc
import ServingTestAdapter
import Testing

@testable import Serving

@Suite("Opening adapters")
struct AdapterLibraryTests {
    @Test("an adapter that is open says what it is, and its log arrives")
    func opens() throws {
        let adapter = try TestAdapter()
        #expect(adapter.library.adapter.name == "test")
        #expect(adapter.lines.withLock { $0 } == ["info: opened"])
        #expect(adapter.library.faults.isEmpty)
    }

    private static let refused: [(@convention(c) (UInt32) -> UnsafeRawPointer?, String)] = [
        (serving_test_entry_none, "it has no version 1 of the contract"),
        (serving_test_entry_other_major, "it is of version 7 of the adapter contract, and this server of 1"),
        (serving_test_entry_too_small, "its table has 40 bytes, and at least 104 are needed"),
        (serving_test_entry_without_execute, "its table lacks what every adapter must have: unload, execute"),
    ]

    @Test("a table that is not what this server knows is refused before any call", arguments: 0..<4)
    func refuses(index: Int) {
        let (entry, reason) = AdapterLibraryTests.refused[index]
        let error = #expect(throws: ServingError.self) { try AdapterLibrary(entry: entry, path: "lib.so") }
        #expect(error?.kind == .unsupported)
        #expect(error?.message.contains(reason) == true, "\(error?.message ?? "")")
    }

    @Test("what a shorter table leaves out is not there, even where its memory has it")
    func old() throws {
        let library = try AdapterLibrary(entry: serving_test_entry_old, path: "old")
        let model = try library.load(.init(folder: "/nowhere", file: "plain"))
        #expect(library.functions.cancel == nil)
        #expect(try model.metrics().isEmpty)
    }

    @Test("an error of open is the adapter's, with the library's path")
    func openFails() {
        let error = #expect(throws: ServingError.self) {
            try AdapterLibrary(entry: serving_test_entry, path: "lib.so", options: .init(library: "missing"))
        }
        #expect(error == ServingError(.unavailable, "lib.so: there is no library \"missing\""))
    }

    @Test("a file that is not there, one that is no library and a library that is no adapter are told apart")
    func files() {
        let cases: [(path: String, kind: ServingError.Kind, text: String)] = [
            ("/nowhere/libAdapter.so", .unavailable, "there is no adapter at /nowhere/libAdapter.so"),
            ("/etc/passwd", .unavailable, "/etc/passwd cannot be opened"),
            ("/lib/x86_64-linux-gnu/libz.so.1", .unsupported, "does not export slipway_adapter_entry"),
        ]
        for (path, kind, text) in cases where kind != .unsupported || access(path, R_OK) == 0 {
            let error = #expect(throws: ServingError.self) { try AdapterLibrary(path: path) }
            #expect(error?.kind == kind)
            #expect(error?.message.contains(text) == true, "\(error?.message ?? "")")
        }
    }

    private static let unloadable: [(behaviour: String, kind: ServingError.Kind, text: String)] = [
        ("damaged", .unloadable, "the file ends in the middle"),
        ("wordless", .unloadable, "the adapter gave no reason (code 13)"),
        ("invented", .unloadable, "a status that this host did not make"),
        ("nothing", .unsupported, "a model that is not there"),
        ("undescribed", .unloadable, "no description today"),
        ("garbled", .unsupported, "something that is no slipway.adapter.v1.ModelDescription"),
        ("alike", .unsupported, "names two of its tensors alike"),
    ]

    @Test("a model that cannot be loaded says why", arguments: unloadable.indices)
    func loadFails(index: Int) throws {
        let (behaviour, kind, text) = AdapterLibraryTests.unloadable[index]
        let library = try TestAdapter().library
        let error = #expect(throws: ServingError.self) { try library.load(.init(folder: "/", file: behaviour)) }
        #expect(error?.kind == kind)
        #expect(error?.message.contains(text) == true, "\(error?.message ?? "")")
        #expect(library.statusesHeld == 0)
    }

    @Test("recognition and metrics are read")
    func reads() throws {
        let library = try TestAdapter().library
        #expect(try library.recognise(.init(folder: "/models/test-model")).certainty == 90)
        #expect(try library.recognise(.init(folder: "/models/other")).reason == "its name says nothing")
        let model = try library.load(.init(folder: "/", file: "plain"))
        #expect(try model.metrics().map(\.name) == ["executions_total"])
        #expect(model.description.inputs.map(\.name) == ["x"])
    }
}
