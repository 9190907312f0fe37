import AdapterABI
import Glibc
import Protobuf

/// The host's side of one execution, with the struct that the adapter sees at its head.
///
/// Records are used again and again, and are not released before the adapter is closed: what an adapter does with an
/// execution that has ended is then noticed, where it would otherwise be a write into somebody else's memory.
final class ExecutionRecord: @unchecked Sendable {
    /// What lies at the address that the adapter is given.
    private struct Block {
        var execution: slipway_execution
        var owner: Unmanaged<ExecutionRecord>
        /// Made of the address: what does not have it is no execution of ours.
        var mark: UInt
        var mutex: pthread_mutex_t
    }
    private static let markSeed: UInt = 0x5_11b3_a7ad_a97e_6

    unowned let host: AdapterHost
    private var block: UnsafeMutablePointer<Block>
    /// Guarded by the pool that the record belongs to.
    var isTaken = false

    // Guarded by the block's mutex.
    var state = ExecutionState()
    var ticket: UInt64 = 0
    private var isUnwanted = false
    private(set) var instance: AdapterInstance?
    private var completion: (@Sendable (Result<[Tensor], ServingError>) -> Void)?
    private var inputs: [Tensor] = []
    private var context: Bytes = []
    /// Copies that the contract asked for, and names that the model does not have.
    private var kept: [Bytes] = []
    /// Places of the outputs asked for; none for all.
    var wanted: [Int] = []
    var outputs: [ReservedOutput] = []
    var outputBytes = 0
    private var tensors = UnsafeMutableBufferPointer<slipway_tensor>.allocate(capacity: 8)
    private var names = UnsafeMutableBufferPointer<slipway_bytes>.allocate(capacity: 8)

    init(host: AdapterHost) {
        self.host = host
        block = .allocate(capacity: 1)
        block.initialize(
            to: Block(
                execution: slipway_execution(), owner: Unmanaged.passUnretained(self),
                mark: UInt(bitPattern: block) ^ ExecutionRecord.markSeed, mutex: pthread_mutex_t()))
        pthread_mutex_init(mutex, nil)
    }

    deinit {
        pthread_mutex_destroy(mutex)
        block.pointee.mark = 0
        block.deallocate()
        tensors.deallocate()
        names.deallocate()
    }

    /// The record behind an address that an adapter gave; nothing where there is none.
    static func of(_ execution: UnsafeMutablePointer<slipway_execution>?) -> ExecutionRecord? {
        guard let execution, UInt(bitPattern: execution) % UInt(MemoryLayout<Block>.alignment) == 0 else { return nil }
        let block = UnsafeMutableRawPointer(execution).assumingMemoryBound(to: Block.self)
        guard block.pointee.mark == UInt(bitPattern: block) ^ markSeed else { return nil }
        return block.pointee.owner.takeUnretainedValue()
    }

    var execution: UnsafeMutablePointer<slipway_execution> {
        UnsafeMutableRawPointer(block).assumingMemoryBound(to: slipway_execution.self)
    }

    private var mutex: UnsafeMutablePointer<pthread_mutex_t> {
        let offset = MemoryLayout<Block>.offset(of: \.mutex) ?? 0
        return (UnsafeMutableRawPointer(block) + offset).assumingMemoryBound(to: pthread_mutex_t.self)
    }

    func lock() { pthread_mutex_lock(mutex) }
    func unlock() { pthread_mutex_unlock(mutex) }

    /// Lays out what the adapter sees. The model has been asked whether the outputs exist.
    /// - Returns: what a handle needs to mean this execution and no later one.
    func begin(
        _ execution: borrowing ModelExecution, on instance: AdapterInstance,
        completion: @escaping @Sendable (Result<[Tensor], ServingError>) -> Void
    ) -> UInt64 {
        lock()
        defer { unlock() }
        state.begin()
        ticket &+= 1
        isUnwanted = false
        self.instance = instance
        self.completion = completion
        inputs = execution.inputs
        context = execution.context
        layOutInputs(instance.model.signature)
        layOutNames(execution.outputs, instance.model.signature)
        self.execution.pointee = slipway_execution(
            struct_size: UInt32(MemoryLayout<slipway_execution>.size), input_count: UInt32(inputs.count),
            inputs: UnsafePointer(tensors.baseAddress), output_names: UnsafePointer(names.baseAddress),
            output_count: UInt32(wanted.count), request_count: UInt32(clamping: execution.requestCount),
            deadline_ns: execution.deadline?.nanoseconds ?? 0,
            context: slipway_bytes(data: context.heldAddress, size: UInt64(context.count)), adapter_data: nil)
        return ticket
    }

    private func layOutInputs(_ signature: ModelSignature) {
        if tensors.count < inputs.count {
            tensors.deallocate()
            tensors = .allocate(capacity: inputs.count * 2)
        }
        for place in inputs.indices {
            let input = inputs[place]
            tensors.initializeElement(
                at: place,
                to: slipway_tensor(
                    struct_size: UInt32(MemoryLayout<slipway_tensor>.size), datatype: input.datatype.rawValue,
                    name: signature.inputName(input.name, at: place) ?? keep(Array(input.name.utf8)[...]),
                    // `Int` has the size and the layout of `int64_t` wherever this server runs.
                    shape: input.shape.heldAddress?.assumingMemoryBound(to: Int64.self),
                    rank: UInt32(input.shape.count), reserved: 0, data: aligned(input, signature.inputAlignment),
                    size: UInt64(input.contents.count)))
        }
    }

    private func layOutNames(_ outputs: [String], _ signature: ModelSignature) {
        if names.count < outputs.count {
            names.deallocate()
            names = .allocate(capacity: outputs.count * 2)
        }
        for name in outputs {
            guard let place = signature.outputPlace(name) else { continue }
            names.initializeElement(at: wanted.count, to: signature.outputs[place].bytes)
            wanted.append(place)
        }
    }

    private func keep(_ bytes: Bytes) -> slipway_bytes {
        kept.append(bytes)
        return slipway_bytes(data: bytes.heldAddress, size: UInt64(bytes.count))
    }

    /// Where an input's contents are, copied if they lie at an address that the adapter cannot use.
    private func aligned(_ input: Tensor, _ alignment: Int) -> UnsafeRawPointer? {
        let needed = alignment > 0 ? alignment : input.datatype.elementBytes ?? 1
        guard let address = input.contents.heldAddress, Int(bitPattern: address) & (needed - 1) != 0,
            let copy = AlignedBytes(count: input.contents.count, alignment: needed)
        else { return input.contents.heldAddress }
        copy.address.copyMemory(from: address, byteCount: input.contents.count)
        kept.append(copy.bytes)
        return UnsafeRawPointer(copy.address)
    }

    /// Whether nobody waits any more: cancelled, or past its deadline.
    var isCancelled: Bool {
        lock()
        defer { unlock() }
        let deadline = block.pointee.execution.deadline_ns
        guard !isUnwanted, deadline != 0 else { return isUnwanted }
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec) >= deadline
    }

    func markUnwanted() { isUnwanted = true }

    /// Lets go of everything but the memory to be used again. Called with the lock held.
    func end() -> (AdapterInstance?, (@Sendable (Result<[Tensor], ServingError>) -> Void)?) {
        defer {
            instance = nil
            completion = nil
            inputs = []
            context = []
            kept.removeAll(keepingCapacity: true)
            wanted.removeAll(keepingCapacity: true)
            outputs.removeAll(keepingCapacity: true)
            outputBytes = 0
        }
        return (instance, completion)
    }
}
