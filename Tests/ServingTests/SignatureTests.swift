import AdapterContracts
import Testing

@testable import Serving

@Suite("Checking a request against a model")
struct SignatureTests {
    private static let signature = Signature(
        inputs: [
            TensorSpecification(name: "x", datatype: .fp32, shape: [-1, 2]),
            TensorSpecification(name: "text", datatype: .bytes, shape: [-1], mayBeAbsent: true),
        ], outputs: [TensorSpecification(name: "y", datatype: .fp32, shape: [-1])], batches: true, largestBatch: 4)

    struct Case: Sendable, CustomTestStringConvertible {
        var tensors: [Tensor]
        var outputs: [String] = []
        var message: String
        var testDescription: String { message }
    }

    private static func x(_ shape: [Int] = [1, 2], bytes: Int? = nil, _ datatype: Datatype = .fp32) -> Tensor {
        let count = bytes ?? shape.reduce(1, *) * (datatype.elementBytes ?? 0)
        return Tensor(
            name: "x", datatype: datatype, shape: shape, contents: [UInt8](repeating: 0, count: max(0, count))[...])
    }

    private static func named(_ name: String) -> Tensor {
        var tensor = x()
        tensor.name = name
        return tensor
    }

    private static func text(_ bytes: [UInt8], _ count: Int = 1) -> Tensor {
        Tensor(name: "text", datatype: .bytes, shape: [count], contents: bytes[...])
    }

    @Test(
        "what is wrong is said with what would be right",
        arguments: [
            Case(tensors: [], message: "input 'x' is missing; it is FP32 [-1,2]"),
            Case(
                tensors: [named("z")],
                message: "input 'z' does not exist; the model takes 'x' (FP32 [-1,2]), 'text' (BYTES [-1])"),
            Case(tensors: [x(), x()], message: "input 'x' is there twice"),
            Case(tensors: [x([1, 2], .int32)], message: "input 'x' is INT32; the model takes FP32"),
            Case(tensors: [x([1, 3])], message: "input 'x' has shape [1,3]; the model takes [-1,2]"),
            Case(tensors: [x([2])], message: "input 'x' has shape [2]; the model takes [-1,2]"),
            Case(
                tensors: [x([-1, 2])], message: "input 'x' has the impossible shape [-1,2]"),
            Case(
                tensors: [x([1 << 62, 2], bytes: 8)],
                message: "input 'x' has the impossible shape [4611686018427387904,2]"),
            Case(
                tensors: [x([1, 2], bytes: 7)], message: "input 'x' has 7 bytes; shape [1,2] of FP32 takes 8"),
            Case(tensors: [x([5, 2])], message: "a batch of 5 rows is too large; the model takes at most 4"),
            Case(
                tensors: [x([2, 2]), text([0, 0, 0, 0])],
                message: "input 'text' has 1 rows and input 'x' has 2; all inputs have the same first dimension"),
            Case(
                tensors: [x(), text([9, 0, 0, 0, 65])],
                message: "input 'text': the element of BYTES at offset 0 is 9 bytes long, and 1 are left"),
            Case(
                tensors: [x(), text([0, 0, 0, 0, 0, 0, 0, 0])],
                message: "input 'text' has 2 elements of BYTES; shape [1] takes 1"),
            Case(
                tensors: [x()], outputs: ["nope"],
                message: "output 'nope' does not exist; the model gives 'y' (FP32 [-1])"),
        ])
    func refuses(_ example: Case) {
        var tensors = example.tensors
        do throws(ServingError) {
            _ = try Self.signature.check(&tensors, outputs: example.outputs)
            Issue.record("it was taken")
        } catch {
            #expect(error.kind == .invalidInput)
            #expect(error.message == example.message)
        }
    }

    @Test("inputs in any order are put into the model's")
    func arranges() throws {
        var tensors = [Self.text([1, 0, 0, 0, 65]), Self.x()]
        let weight = try Self.signature.check(&tensors, outputs: ["y"])
        #expect(tensors.map(\.name) == ["x", "text"])
        #expect(weight.rows == 1)
    }

    private static let converting = Signature(
        inputs: [TensorSpecification(name: "x", datatype: .fp32, shape: [-1, 2], alsoTakes: [.bool, .int64])],
        outputs: [], batches: true, largestBatch: 0)

    @Test("an input may be of each datatype that the model converts, and a refusal names them")
    func converts() throws {
        for datatype in [Datatype.fp32, .bool, .int64] {
            var tensors = [Self.x([3, 2], datatype)]
            #expect(try Self.converting.check(&tensors, outputs: []) == .init(rows: 3, size: 3))
        }
        let error = #expect(throws: ServingError.self) {
            var tensors = [Self.x([3, 2], .int32)]
            _ = try Self.converting.check(&tensors, outputs: [])
        }
        #expect(error?.message == "input 'x' is INT32; the model takes FP32 and converts BOOL, INT64")
        let short = #expect(throws: ServingError.self) {
            var tensors = [Self.x([1, 2], bytes: 8, .int64)]
            _ = try Self.converting.check(&tensors, outputs: [])
        }
        #expect(short?.message == "input 'x' has 8 bytes; shape [1,2] of INT64 takes 16")
    }

    @Test("what an adapter converts is taken from its description, but for what nobody can give")
    func describesConversion() throws {
        let described = try TensorSpecification(
            Slipway.Adapter.V1.TensorDescription(
                name: "x", datatype: .fp32, shape: [-1], alsoTakes: [.bool, .fp32, .init(rawValue: 99), .bf16]))
        #expect(described.alsoTakes == [.bool, .bf16])
        #expect(described.takes(.fp32) && described.takes(.bf16) && !described.takes(.bytes))
    }

    @Test("requests of several datatypes are never joined, and those that look as most do are told by their outputs")
    func keys() {
        func key(_ tensors: [Tensor], _ signature: Signature) -> JoinedBatch.Key {
            JoinedBatch.key(tensors, outputs: ["y"], isUniform: signature.isUniform(tensors))
        }
        let (plain, whole) = ([Self.x([1, 2])], [Self.x([1, 2], .int64)])
        #expect(key(plain, Self.converting) == key([Self.x([7, 2])], Self.converting))
        #expect(key(whole, Self.converting) == key([Self.x([7, 2], .int64)], Self.converting))
        #expect(key(plain, Self.converting) != key(whole, Self.converting))
        #expect(key([Self.x([1, 2], .bool)], Self.converting) != key(whole, Self.converting))
        #expect(key(plain, Self.converting) == JoinedBatch.Key(names: ["y"]))
        // A model that does not say what it takes.
        let silent = Signature(inputs: [], outputs: [], batches: true, largestBatch: 0)
        #expect(key(plain, silent) != key([Self.x([1, 2], .int32)], silent))
    }

    @Test("requests are joined and their answers are windows of one buffer")
    func joins() throws {
        let first = [Tensor.floats("x", [1, 2], [1, 2])]
        let second = [Tensor.floats("x", [2, 2], [3, 4, 5, 6])]
        let joined = JoinedBatch.join([first, second])
        #expect(joined[0].shape == [3, 2])
        #expect(joined[0].floats == [1, 2, 3, 4, 5, 6])
        let outputs = [joined[0], Tensor.texts("t", ["a", "bc", ""])]
        let parts = try JoinedBatch.split(outputs, rows: [1, 2])
        #expect(parts[0].map(\.shape) == [[1, 2], [1]])
        #expect(parts[1][0].floats == [3, 4, 5, 6])
        #expect(parts[0][1].texts == ["a"] && parts[1][1].texts == ["bc", ""])
        #expect(parts[1][0].contents.startIndex == 8)
    }

    @Test("an output with another number of rows than went in is the model's failure")
    func wrongRows() {
        let error = #expect(throws: ServingError.self) {
            _ = try JoinedBatch.split([Tensor.floats("y", [2], [1, 2])], rows: [1, 2])
        }
        #expect(error?.message == "output 'y' has shape [2] for 3 rows of input")
    }

    @Test("the cost of a size is learned, bounded by others', and not thrown by one outlier")
    func cost() {
        let cost = CostEstimate()
        #expect(cost.nanoseconds(size: 1) == nil)
        cost.record(size: 1, nanoseconds: 1000)
        #expect(cost.nanoseconds(size: 8) == 8000)
        cost.record(size: 64, nanoseconds: 4000)
        #expect(cost.nanoseconds(size: 8) == 4000)
        cost.record(size: 1, nanoseconds: 1_000_000)
        #expect(cost.nanoseconds(size: 1) == 1375)
        for _ in 0..<100 { cost.record(size: 1, nanoseconds: 1_000_000) }
        #expect((cost.nanoseconds(size: 1) ?? 0) > 900_000)
    }

    @Test(
        "half floats keep every value that they have",
        arguments: [0, 1, 0x03ff, 0x0400, 0x3c00, 0x7bff, 0x7c00, 0xc000])
    func halves(bits: UInt16) { #expect(HalfFloat.bits(of: HalfFloat.value(of: bits)) == bits) }
}
