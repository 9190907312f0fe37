import AdapterContracts
import CLinux
import Glibc
import Loop
import Protobuf

extension LoadTrial {
    /// What a program does that was started with ``argument``: reads what to try, tries it, and says how it went.
    /// - Returns: the code to exit with.
    public static func serveChild() -> Int32 {
        // Whatever a framework prints goes where errors go; only this function knows where the answer goes.
        let answers = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3)
        dup2(STDERR_FILENO, STDOUT_FILENO)
        _ = slipway_end_with_parent()
        _ = slipway_forbid_dumps()
        func say(_ event: Slipway.Adapter.V1.TrialEvent.Event) {
            TrialMessages.write(event, to: answers)
        }
        do throws(ServingError) {
            try perform(say)
            say(.finished(true))
            return 0
        } catch {
            say(.failure(.init(kind: TrialMessages.name(of: error.kind), message: error.message)))
            return 1
        }
    }

    private static func perform(_ say: (Slipway.Adapter.V1.TrialEvent.Event) -> Void) throws(ServingError) {
        let request: Slipway.Adapter.V1.TrialRequest
        do {
            request = try .init(serialized: TrialMessages.readAll(STDIN_FILENO))
        } catch {
            throw ServingError(.faulty, "a trial was asked for in a way that cannot be read: \(error)")
        }
        if request.memoryBytesMax > 0 { _ = slipway_limit_memory(request.memoryBytesMax) }
        say(.stage("opening its adapter"))
        let library = try AdapterLibrary(path: request.library, options: request.options ?? .init()) { level, line in
            if level == .error || level == .warning { TrialMessages.write(line + "\n", to: STDERR_FILENO) }
        }
        say(.stage("loading"))
        try tryModel(of: library, request, say)
        say(.stage("closing its adapter"))
    }

    private static func tryModel(
        of library: AdapterLibrary, _ request: Slipway.Adapter.V1.TrialRequest,
        _ say: (Slipway.Adapter.V1.TrialEvent.Event) -> Void
    ) throws(ServingError) {
        let model = try library.load(request.load ?? .init())
        say(.description(model.description))
        say(.stage("making an instance"))
        let instance = try model.makeInstance(0)
        for (number, sample) in request.samples.enumerated() {
            say(.stage("answering sample \(number + 1)"))
            let outputs = try answer(sample, instance, number + 1)
            say(.answer(.init(outputs: outputs.map { TrialMessages.message($0) })))
        }
        say(.stage("unloading"))
    }

    private static func answer(
        _ sample: Slipway.Adapter.V1.TrialSample, _ instance: any ServableInstance, _ number: Int
    ) throws(ServingError) -> [Tensor] {
        var inputs: [Tensor] = []
        for input in sample.inputs {
            guard let tensor = TrialMessages.tensor(input) else {
                throw ServingError(.faulty, "sample \(number): input \"\(input.name)\" has no datatype")
            }
            inputs.append(tensor)
        }
        let execution = ModelExecution(inputs: inputs, outputs: sample.outputs, context: sample.context)
        do throws(ServingError) {
            return try instance.answer(execution)
        } catch {
            throw ServingError(error.kind, "sample \(number): \(error.message)")
        }
    }
}

extension ServableInstance {
    /// Executes and blocks until the answer is there.
    package func answer(_ execution: ModelExecution) throws(ServingError) -> [Tensor] {
        let answered = Condition<Result<[Tensor], ServingError>?>(nil)
        let handle = execute(execution) { answer in answered.change { $0 = answer } }
        defer { withExtendedLifetime(handle) {} }
        return try answered.wait { $0 }.get()
    }
}
