import AdapterContracts
import Glibc
import Loop
import ServingTestAdapter
import Testing

@testable import Serving

@Suite("Executing through an adapter", .serialized)
struct AdapterExecutionTests {
    let adapter: TestAdapter
    let x = Tensor.floats("x", [1, 2, 3, 4])

    init() throws { adapter = try TestAdapter() }

    @Test("an execution answers with all outputs in the model's order", arguments: ["plain", "pending", "early"])
    func answers(behaviour: String) throws {
        let answer = try adapter.instance(behaviour).answer([x])
        #expect(answer.map(\.name) == ["y", "n"])
        #expect(answer[0].floats == [2, 3, 4, 5])
        #expect(answer[0].shape == [2, 2])
        #expect(answer[1].datatype == .int64)
        #expect(adapter.library.faults.isEmpty)
    }

    @Test("outputs asked for come in the order they were asked in, and an unknown one is refused")
    func asked() throws {
        let instance = try adapter.instance("plain")
        #expect(try instance.answer([x], outputs: ["n", "y"]).map(\.name) == ["n", "y"])
        #expect(try instance.answer([x], outputs: ["n"]).map(\.name) == ["n"])
        let error = #expect(throws: ServingError.self) { try instance.answer([x], outputs: ["z"]) }
        #expect(error == ServingError(.invalidInput, "the model has no output \"z\"; it has \"y\", \"n\""))
    }

    @Test("an empty batch passes in and out")
    func empty() throws {
        let answer = try adapter.instance("plain").answer([.floats("x", [])])
        #expect(answer.map(\.shape) == [[0, 2], [0]])
    }

    @Test("the memory that the adapter wrote is the answer's, at 64 bytes")
    func withoutCopy() throws {
        let answer = try adapter.instance("plain").answer([x])
        let address = UInt64(UInt(bitPattern: answer[0].contents.heldAddress))
        #expect(address == serving_test_output_address())
        #expect(address % 64 == 0)
    }

    @Test("an aligned input is not copied, and a misaligned one arrives aligned")
    func alignment() throws {
        let instance = try adapter.instance("plain")
        for skip in 0..<16 {
            let input = Tensor.floats("x", [1, 2], skip: skip)
            #expect(try instance.answer([input])[0].floats == [2, 3])
            let address = UInt64(UInt(bitPattern: input.contents.heldAddress))
            #expect(serving_test_input_address() % 16 == 0)
            #expect((serving_test_input_address() == address) == (address % 16 == 0))
        }
    }

    @Test("tensors whose contents do not fit never reach the adapter")
    func contents() throws {
        let instance = try adapter.instance("plain")
        let bad: [(Tensor, String)] = [
            (Tensor(name: "x", datatype: .fp32, shape: [2, 2], contents: [0, 0, 0, 0]), "16 bytes, and 4 are there"),
            (Tensor(name: "x", datatype: .fp32, shape: [-1, 2], contents: []), "negative dimension"),
            (Tensor(name: "x", datatype: .fp32, shape: [1 << 40, 1 << 40], contents: []), "too many elements"),
            (Tensor(name: "x", datatype: .bytes, shape: [1], contents: [9, 0, 0, 0, 1]), "says it has 9 bytes, and 1"),
            (Tensor(name: "x", datatype: .bytes, shape: [1], contents: [9, 0]), "less than the 4 bytes of its length"),
            (
                Tensor(name: "x", datatype: .bytes, shape: [2], contents: [0, 0, 0, 0]),
                "1 elements, and its shape says 2"
            ),
        ]
        for (tensor, text) in bad {
            let error = #expect(throws: ServingError.self) { try instance.answer([tensor]) }
            #expect(error?.kind == .invalidInput)
            #expect(error?.message.contains(text) == true, "\(error?.message ?? "")")
        }
    }

    @Test("many inputs, more outputs than records hold, and unknown names cross")
    func many() throws {
        let instance = try adapter.instance("plain")
        let inputs = (0..<100).map { Tensor.floats("input \($0)", [1, 2]) }
        let error = #expect(throws: ServingError.self) { try instance.answer(inputs) }
        #expect(error == ServingError(.invalidInput, "x must be FP32 [-1, 2]"))
        let outputs = (0..<100).map { $0 % 2 == 0 ? "y" : "n" }
        #expect(try instance.answer([x], outputs: outputs).map(\.name) == outputs)
    }

    private static let faulty: [(behaviour: String, text: String)] = [
        ("half", "it completed without output \"n\""),
        ("unknown-output", "it gave an output \"z\" that the model's description does not have"),
        ("output-twice", "it gave output \"y\" twice"),
        ("wrong-size", "it asked for 17 bytes for output \"y\" of FP32 [2, 2], which do not fit"),
        ("wrong-type", "it gave output \"y\" as INT32, and its description says FP32"),
        ("no-type", "a datatype that does not exist: 77"),
        ("negative", "for output \"y\" of FP32 [-1, 2], which do not fit"),
        ("huge", "goes over the limit"),
        ("torn", "it wrote output \"n\" wrongly: element 0 at byte 0 says it has 99 bytes"),
        ("early-error", "and yet it failed"),
    ]

    @Test("an adapter that breaks the contract costs the request, and is blamed", arguments: faulty.indices)
    func breaks(index: Int) throws {
        let (behaviour, text) = AdapterExecutionTests.faulty[index]
        let instance = try adapter.instance(behaviour)
        let error = #expect(throws: ServingError.self) { try instance.answer([x]) }
        #expect(error?.kind == .modelFailed)
        #expect(error?.message.contains(text) == true, "\(error?.message ?? "")")
        #expect(adapter.library.faults.count == 1)
        #expect(adapter.library.statusesHeld == 0)
    }

    private static let tolerated: [(behaviour: String, text: String)] = [
        ("early-twice", "it completed an execution twice"),
        ("unasked", "for which it had not set pending"),
        ("stranger", "it completed an execution that this host did not start"),
    ]

    @Test("what does no harm to the answer is noticed all the same", arguments: tolerated.indices)
    func tolerates(index: Int) throws {
        let (behaviour, text) = AdapterExecutionTests.tolerated[index]
        #expect(try adapter.instance(behaviour).answer([x])[0].floats == [2, 3, 4, 5])
        #expect(adapter.library.faults.first?.contains(text) == true, "\(adapter.library.faults)")
    }

    @Test("completing an execution that has ended changes nothing, long after as well")
    func ended() throws {
        let instance = try adapter.instance("ended")
        for _ in 0..<3 { #expect(try instance.answer([x]).count == 2) }
        #expect(adapter.library.faults.first == "it completed an execution that had ended already")
    }

    @Test("writing past an output is noticed where it is watched")
    func overrun() throws {
        var limits = AdapterLimits()
        limits.outputFilling = 0xa5
        let watched = try TestAdapter(limits: limits)
        let error = #expect(throws: ServingError.self) { try watched.instance("overrun").answer([x]) }
        #expect(error?.message == "it wrote past the end of output \"y\"")
        #expect(try watched.instance("plain").answer([x])[0].floats == [2, 3, 4, 5])
    }

    @Test("errors keep their kind and text")
    func errors() throws {
        let failing = try adapter.instance("error"), full = try adapter.instance("full")
        #expect(throws: ServingError(.modelFailed, "it went wrong")) { try failing.answer([x]) }
        #expect(throws: ServingError(.overloaded, "all workers are busy")) { try full.answer([x]) }
    }

    @Test("a pending execution that nobody waits for is told so, and completes as cancelled")
    func cancels() throws {
        let instance = try adapter.instance("pending")
        let answers = Answers()
        let handle = instance.execute(
            ModelExecution(inputs: [.floats("x", [-1, 0])]), completion: answers.completion)
        try #require(handle != nil)
        handle?.cancel()
        #expect(answers.all().map { $0.map(\.count) } == [.failure(ServingError(.cancelled, "nobody waits"))])
        // The record may serve the next execution by now, which this must not touch.
        handle?.cancel()
        #expect(try instance.answer([x])[0].floats == [2, 3, 4, 5])
    }

    @Test("executions at once on several instances answer each its own")
    func concurrent() async throws {
        let model = try adapter.library.load(.init(folder: "/", file: "pending"))
        try await withThrowingTaskGroup(of: Void.self) { group in
            for index in 0..<4 {
                let instance = try model.makeInstance(index)
                group.addTask {
                    for round in 0..<200 {
                        let value = Float(index * 1000 + round)
                        let answer = try instance.answer([.floats("x", [value, 0])])
                        #expect(answer[0].floats[0] == value + 1)
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(adapter.library.faults.isEmpty)
    }

    @Test("a model let go of while it executes is unloaded after the answer, and not by the thread that gives it")
    func letsGo() throws {
        let before = serving_test_destroyed_by_itself()
        for _ in 0..<50 {
            let answers = Answers()
            _ = try adapter.instance("pending").execute(ModelExecution(inputs: [x]), completion: answers.completion)
            #expect(try answers.all()[0].get()[0].floats == [2, 3, 4, 5])
        }
        #expect(serving_test_destroyed_by_itself() == before)
    }

    @Test("a model is unloaded with the last reference, after its instances")
    func unloads() throws {
        let before = (serving_test_models(), serving_test_instances())
        do {
            let instance: any ServableInstance
            do {
                let model = try adapter.library.load(.init(folder: "/", file: "plain"))
                instance = try model.makeInstance(0)
            }
            #expect(serving_test_models() == before.0 + 1)
            #expect(try instance.answer([x]).count == 2)
        }
        #expect(serving_test_models() == before.0)
        #expect(serving_test_instances() == before.1)
        #expect(serving_test_disorder() == 0)
    }
}
