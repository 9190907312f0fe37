import TestKit
import Testing

@testable import ModelFormats

@Suite("Pickles that mean ill")
struct PickleTests {
    private func scan(_ pickle: Pickle, limits: RecognitionLimits = RecognitionLimits()) throws -> ModelDescription {
        try recognise(["model.pkl": pickle.bytes], limits: limits)
    }

    @Test("a command by GLOBAL and REDUCE is dangerous")
    func global() throws {
        let model = try scan(Pickle().global("os", "system").mark.text("id").tuple.reduce.stop)
        #expect(model.format == .pickle)
        #expect(model.imports == [PickleImport("os", "system", risk: .dangerous, isCalled: true)])
        #expect(model.warnings.map(\.message) == ["loading calls os.system"])
    }

    @Test("the names of STACK_GLOBAL are followed through the memo")
    func memo() throws {
        let pickle = Pickle.four.text("system").memoize.text("posix").memoize.opcode("0").opcode("0")
            .get(1).get(0).stackGlobal.mark.text("id").tuple.reduce.stop
        #expect(try scan(pickle).dangerous == ["posix.system"])
    }

    @Test("MEMOIZE counts distinct places, as the real one does, whatever PUT was given before")
    func memoCount() throws {
        let pickle = Pickle.four.text("os").opcode(UInt8(ascii: "q"), 9).text("system").memoize
            .opcode("0").opcode("0").get(9).get(1).stackGlobal.stop
        #expect(try scan(pickle).dangerous == ["os.system"])
    }

    @Test("values below a mark cannot be taken, as in the real one")
    func fence() throws {
        let model = try scan(Pickle.four.text("os").mark.text("system").stackGlobal.stop)
        #expect(model.codes == [.malformed, .scanIncomplete])
    }

    @Test("a copied value, a popped mark and texts of every kind lead to the name")
    func stackTricks() throws {
        let copied = Pickle.four.text("subprocess").opcode("2").opcode("0").mark.opcode("0").raw("S'Pop\\x65n'\n")
            .stackGlobal.stop
        #expect(try scan(copied).dangerous == ["subprocess.Popen"])
        let unicode = Pickle.four.raw("Vo\\u0073\n").raw([0x58, 6, 0, 0, 0]).raw("system").stackGlobal.stop
        #expect(try scan(unicode).dangerous == ["os.system"])
    }

    @Test("INST and OBJ import and call")
    func instances() throws {
        #expect(try scan(Pickle().mark.raw("S'id'\n").raw("ios\nsystem\n").stop).dangerous == ["os.system"])
        let object = Pickle().mark.global("os", "system").raw("S'id'\n").opcode("o").stop
        #expect(try scan(object).imports == [PickleImport("os", "system", risk: .dangerous, isCalled: true)])
    }

    @Test("a name that is computed is reported as one that cannot be told")
    func computed() throws {
        let made = Pickle.four.global("builtins", "str").mark.text("os").tuple.reduce.text("system").stackGlobal.stop
        #expect(try scan(made).codes == [.unresolvedImport])
        #expect(try scan(Pickle.four.opcode(0x82, 7).stop).codes == [.unresolvedImport])
        let long = String(repeating: "a", count: 5000)
        #expect(try scan(Pickle().global(long, "system").stop).codes == [.unresolvedImport])
    }

    @Test("what reaches over the end of a frame, and so is another name for one unpickler, is reported")
    func frames() throws {
        func frame(_ count: UInt8) -> Pickle { Pickle.four.opcode(0x95, count, 0, 0, 0, 0, 0, 0, 0) }
        // Read from a file by the unpickler in C, the name is `system`.
        let line = frame(19).text("os").text("x").opcode("0").raw("csklearn.A\n_Asystem\n").stop
        #expect(try scan(line).codes == [.unresolvedImport, .malformed, .scanIncomplete])
        let inner = frame(40).opcode(0x95, 60, 0, 0, 0, 0, 0, 0, 0).raw([UInt8](repeating: 0x4e, count: 80)).stop
        #expect(try scan(inner).codes.contains(.unresolvedImport))
        #expect(try scan(frame(2).opcode("N").stop).warnings == [])
    }

    @Test("a pickle without a mark that breaks off still shows what it imported by then")
    func brokenOff() throws {
        let model = try scan(Pickle().global("company.models", "Churn").raw([0xff]))
        #expect(model.suspicious == ["company.models.Churn"])
        #expect(model.codes == [.suspiciousImport, .malformed, .scanIncomplete])
    }

    @Test(
        "names that reach further than they look are dangerous",
        arguments: [
            ("builtins", "eval"), ("__builtin__", "exec"), ("builtins", "getattr"), ("numpy", "os.system"),
            ("sklearn.utils", "sys.modules"), ("operator", "attrgetter"), ("functools", "partial"),
            ("importlib", "import_module"), ("pickle", "loads"), ("_pickle", "loads"), ("nt", "system"),
            ("runpy", "run_path"), ("ctypes", "CDLL"), ("webbrowser", "open"), ("torch", "load"),
            ("pandas", "read_pickle"),
            ("socket", "socket"), ("pty", "spawn"), ("shutil", "rmtree"), ("commands", "getoutput"),
            ("numpy.testing._private.utils", "runstring"), ("collections", "OrderedDict.__class__"),
        ])
    func names(_ module: String, _ name: String) throws {
        #expect(PickleRisk.of(module: module, name: name) == .dangerous)
    }

    @Test("names of other packages, functions and walks through attributes are suspicious")
    func suspicious() {
        for (module, name) in [
            ("__main__", "Model"), ("company.models", "Churn"), ("sklearn.utils", "check_array"), ("numpy", "Foo.bar"),
            ("", ""), ("numpy.testing", "Tester"), ("torch.hub", "Loader"), ("builtins", "unheard_of"),
        ] { #expect(PickleRisk.of(module: module, name: name) == .suspicious, "\(module).\(name)") }
    }

    @Test("every prefix of a real pickle is said to be incomplete, and never taken for a whole one")
    func truncated() throws {
        let whole = try Fixture.bytes("pipeline-4.pkl")
        for count in stride(from: 2, to: whole.count, by: 7) {
            let model = try recognise(["model.pkl": Array(whole[..<count])])
            #expect(model.codes.isSuperset(of: [.truncated, .scanIncomplete]), "\(count)")
        }
    }

    @Test("pickles behind each other are all scanned, and other bytes behind them named")
    func several() throws {
        let harmless = Pickle.four.opcode("N").stop.bytes
        let harmful = Pickle().global("os", "system").stop.bytes
        #expect(try recognise(["a.pkl": harmless + harmful]).dangerous == ["os.system"])
        #expect(try recognise(["a.pkl": harmless + [0, 1, 2]]).codes == [.trailingBytes])
        #expect(try recognise(["a.pkl": harmless + harmful.dropLast()]).codes.contains(.dangerousImport))
        let many = [[UInt8]](repeating: harmless, count: 1000).flatMap { $0 }
        #expect(try recognise(["a.pkl": many + harmful]).codes.contains(.scanIncomplete))
    }

    @Test("opcodes that hide in the bytes of an array of joblib are found")
    func hiddenInArray() throws {
        let hidden = Pickle().global("os", "system").mark.text("id").tuple.reduce.stop.bytes
        let wrapper = Pickle.four.global("joblib.numpy_pickle", "NumpyArrayWrapper").opcode(")").opcode(0x81).opcode(
            "}"
        )
        .mark.text("shape").opcode(UInt8(ascii: "K"), UInt8(hidden.count)).opcode(0x85).text("dtype")
        .global("numpy", "dtype").text("u1").opcode(0x89, 0x88).opcode(0x87).reduce.opcode("u").opcode("b")
        let model = try scan(wrapper.raw(hidden).stop)
        #expect(model.format == .joblib)
        #expect(model.dangerous == ["os.system"])
        #expect(model.warnings.contains { $0.message.contains("bytes of an array") })
    }

    @Test("an array of joblib with an impossible size ends the scan with a word about it")
    func impossibleArray() throws {
        let wrapper = Pickle.four.global("joblib.numpy_pickle", "NumpyArrayWrapper").opcode(")").opcode(0x81).opcode(
            "}"
        )
        .mark.text("shape").raw([0x8a, 8, 0, 0, 0, 0, 0, 0, 0, 0x7f]).opcode(0x85).text("dtype")
        .global("numpy", "dtype").text("f8").opcode(0x89, 0x88).opcode(0x87).reduce.opcode("u").opcode("b").stop
        #expect(try scan(wrapper).codes == [.malformed, .scanIncomplete])
    }

    @Test("too many values, too many imports and too many bytes end the scan with a word about it")
    func limits() throws {
        var limits = RecognitionLimits()
        limits.pickleValuesMax = 100
        for opcode: Unicode.Scalar in ["N", "(", "}", "]"] {
            let pickle = Pickle.four.raw([UInt8](repeating: UInt8(ascii: opcode), count: 200)).stop
            #expect(try scan(pickle, limits: limits).codes == [.scanIncomplete], "\(opcode)")
        }
        limits.listCountMax = 3
        let imports = (0..<5).reduce(Pickle.four) { $0.global("sklearn", "Class\($1)").opcode("0") }
        #expect(try scan(imports.opcode("N").stop, limits: limits).codes == [.scanIncomplete])
        limits = RecognitionLimits()
        limits.fileBytesMax = 10_000
        let long = Pickle.four.raw([[UInt8]](repeating: [0x4e, 0x30], count: 10_000).flatMap { $0 })
        #expect(try scan(long.opcode("N").stop, limits: limits).codes == [.scanIncomplete])
    }

    @Test("a million nested tuples cost no more than their bytes")
    func nested() throws {
        let nested = Pickle.four.opcode("N").raw([UInt8](repeating: 0x85, count: 1_000_000)).stop
        #expect(try scan(nested).warnings == [])
        let lists = Pickle.four.raw([UInt8](repeating: 0x5d, count: 500_000) + [UInt8](repeating: 0x61, count: 499_999))
        #expect(try scan(lists.stop).warnings == [])
    }

    @Test("a lying length is refused without the memory it claims")
    func lyingLengths() throws {
        for opcode: UInt8 in [0x8d, 0x8e, 0x96] {
            let pickle = Pickle.four.opcode(opcode).raw([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]).stop
            #expect(try scan(pickle).codes == [.truncated, .scanIncomplete])
        }
        #expect(try scan(Pickle.four.raw([0x8b, 0xff, 0xff, 0xff, 0xff]).stop).codes == [.malformed, .scanIncomplete])
    }

    @Test("a file that is named as a pickle is scanned as one, whatever else it seems to be")
    func twoFormats() throws {
        // `G` takes the next eight bytes as a number.
        let both = Pickle().raw("GGUF").raw([2, 0, 0, 0, 0]).global("os", "system").stop.bytes
        #expect(try recognise(["model.pkl": both]).dangerous == ["os.system"])
        #expect(try recognise(["model.gguf": both]).format == .gguf)
    }

    @Test("changed bytes of real pickles never do more than warn")
    func changed() throws {
        var random = SeededGenerator(seed: 7)
        for name in ["forest.joblib", "pipeline-0.pkl", "state-legacy.pt", "pipeline-zlib.joblib"] {
            let whole = try Fixture.bytes(name)
            for _ in 0..<200 {
                var bytes = whole
                for _ in 0..<3 {
                    bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
                }
                _ = try recognise([name: bytes])
            }
        }
    }
}
