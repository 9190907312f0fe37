import AdapterContracts
import Glibc
import Testing

@testable import Serving

/// The test adapter as a library in a folder of its own, built once.
enum AdapterFixture {
    static let folder: Result<String, ServingError> = build()

    static var library: String {
        get throws { try folder.get() + "/libTestingAdapter.so" }
    }

    private static func build() -> Result<String, ServingError> {
        var template = Array("/tmp/serving-adapters-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { return .failure(ServingError(.faulty, "no folder")) }
        let folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let root = #filePath.split(separator: "/").dropLast(3).map { "/" + $0 }.joined()
        let sources = "\(root)/Tests/ServingTestAdapter"
        do throws(ServingError) {
            let child = try ChildProcess.run(
                "/usr/bin/cc",
                [
                    "-shared", "-fPIC", "-w", "-DSERVING_TEST_LIBRARY", "-I\(sources)/include",
                    "-I\(root)/Shared/AdapterABI/include", "\(sources)/adapter.c", "-o",
                    "\(folder)/libTestingAdapter.so", "-lpthread",
                ], input: [], atMost: .seconds(120))
            guard child.ending == .exited(0) else {
                return .failure(ServingError(.faulty, String(decoding: child.lastWords, as: UTF8.self)))
            }
            return .success(folder)
        } catch {
            return .failure(error)
        }
    }
}

@Suite("Trying models in another process")
struct LoadTrialTests {
    /// A program that knows what a trial is, beside the tests' own.
    static let program: String = {
        var buffer = [CChar](repeating: 0, count: 4096)
        let count = readlink("/proc/self/exe", &buffer, buffer.count)
        let path = String(decoding: buffer.prefix(max(0, count)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let folder = CommandLine.arguments.first { $0.hasSuffix(".xctest") } ?? path
        return folder.split(separator: "/").dropLast().map { "/" + $0 }.joined() + "/adapter-check"
    }()

    private func trial(_ behaviour: String, samples: [ModelExecution] = [], limit: Duration = .seconds(60)) throws
        -> LoadTrial.Report
    {
        var trial = LoadTrial()
        trial.program = LoadTrialTests.program
        trial.timeLimit = limit
        return try trial.run(
            library: try AdapterFixture.library, load: .init(name: "m", folder: "/nowhere", file: behaviour),
            samples: samples)
    }

    @Test("a model that loads and answers gives its description and its answers", arguments: ["plain", "pending"])
    func loads(behaviour: String) throws {
        let samples = [[1, 2], [3, 4]].map { ModelExecution(inputs: [.floats("x", $0)]) }
        let report = try trial(behaviour, samples: samples)
        #expect(report.description.inputs.map(\.name) == ["x"])
        #expect(report.answers.map { $0[0].floats } == [[2, 3], [4, 5]])
    }

    @Test("a crash while loading is an error that names the signal")
    func crashes() {
        let error = #expect(throws: ServingError.self) { try trial("crash") }
        #expect(error?.kind == .unloadable)
        let text = "model \"m\" crashed with SIGSEGV while loading (in a trial process; the server goes on)"
        #expect(error?.message.hasPrefix(text) == true, "\(error?.message ?? "")")
    }

    @Test("a model that never finishes loading is ended when its time is over")
    func hangs() {
        let error = #expect(throws: ServingError.self) { try trial("hang", limit: .seconds(3)) }
        #expect(error?.message.contains("was still loading after 3.0 seconds, and was ended") == true)
    }

    @Test("what the adapter says of a model arrives with its kind")
    func fails() throws {
        let text = ServingError(.unloadable, "the file ends in the middle")
        #expect(throws: text) { try trial("damaged") }
        let sample = ModelExecution(inputs: [.floats("x", [1, 2, 3], columns: 3)])
        let error = #expect(throws: ServingError.self) { try trial("plain", samples: [sample]) }
        #expect(error == ServingError(.invalidInput, "sample 1: x must be FP32 [-1, 2]"))
    }

    @Test("a program that is not there, and one that says nothing, are errors")
    func programs() throws {
        var trial = LoadTrial()
        trial.program = "/nowhere/scorer"
        let path = try AdapterFixture.library
        let missing = #expect(throws: ServingError.self) { try trial.run(library: path, load: .init()) }
        #expect(missing?.kind == .faulty)
        trial.program = "/bin/true"
        let silent = #expect(throws: ServingError.self) { try trial.run(library: path, load: .init()) }
        #expect(silent?.message.contains("ended its process with code 0 while starting") == true)
    }

    @Test("a large sample passes through")
    func large() throws {
        let floats = [Float](repeating: 1, count: 1 << 20)
        let report = try trial("plain", samples: [ModelExecution(inputs: [.floats("x", floats)])])
        #expect(report.answers.first?.first?.contents.count == 4 << 20)
    }
}

@Suite("Finding adapters")
struct AdapterDirectoryTests {
    @Test("a folder's adapters are opened by name, and a failed one stays listed")
    func finds() throws {
        let folder = try AdapterFixture.folder.get()
        // The library of other tests must not be open twice.
        var template = Array("\(folder)/XXXXXX".utf8CString)
        try #require(mkdtemp(&template) != nil)
        let own = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let copy = try ChildProcess.run(
            "/bin/cp", [try AdapterFixture.library, "\(own)/libTestingAdapter.so"], input: [], atMost: .seconds(60))
        try #require(copy.ending == .exited(0))
        for file in ["libBrokenAdapter.so", "notes.txt"] {
            let descriptor = open("\(own)/\(file)", O_CREAT | O_WRONLY, 0o600)
            try #require(descriptor >= 0)
            close(descriptor)
        }
        let directory = AdapterDirectory(folders: ["/nowhere", own])
        #expect(directory.adapters.map(\.name) == ["broken", "testing"])

        let choice = try directory.choose(for: .init(folder: "/models/test-model"))
        #expect(choice.found.name == "testing")
        #expect(choice.recognition.certainty == 90)
        // By the file's name and by the adapter's own.
        for name in ["testing", "Test"] {
            #expect(try directory.choose(for: .init(folder: "/other"), named: name).found.name == "testing")
        }
        let none = #expect(throws: ServingError.self) { try directory.choose(for: .init(folder: "/models/other")) }
        #expect(none?.kind == .unloadable)
        #expect(none?.message.contains("no adapter takes /models/other (broken: ") == true)
        #expect(none?.message.contains("testing: its name says nothing") == true)
        let missing = #expect(throws: ServingError.self) {
            try directory.choose(for: .init(), named: "tensorflow")
        }
        #expect(missing?.message == "there is no adapter \"tensorflow\"; there are: broken, testing")
        let broken = #expect(throws: ServingError.self) { try directory.choose(for: .init(), named: "broken") }
        #expect(broken?.message.contains("cannot be opened") == true)
    }

    @Test("a library is open once at a time")
    func once() throws {
        let path = try AdapterFixture.library
        let open = try AdapterLibrary(path: path)
        let error = #expect(throws: ServingError.self) { try AdapterLibrary(path: path) }
        #expect(error?.kind == .refused)
        withExtendedLifetime(open) {}
    }
}
