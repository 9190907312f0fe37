public import AdapterContracts
import Glibc
import Protobuf

/// Loads a model in a process of its own first, so that an adapter that crashes or hangs on it costs that process and not
/// the server.
///
/// The process is this same program, started with an argument that its `main` answers with ``serveChild()``. Running a
/// trial blocks for as long as the model takes to load; any thread may, and several at once.
public struct LoadTrial: Sendable {
    /// The argument that says to a program that it is to try a model.
    public static let argument = "try-load"

    public var program = "/proc/self/exe"
    public var arguments = [LoadTrial.argument]
    public var timeLimit = Duration.seconds(60)
    /// Address space of the process; 0 for as much as the server has.
    public var memoryBytesMax = 0

    public init() {}

    /// What a model said while it was tried.
    public struct Report: Sendable {
        public var description: Slipway.Adapter.V1.ModelDescription
        /// Of the samples, in their order.
        public var answers: [[Tensor]]
    }

    /// Opens the adapter, loads the model, has it answer the samples and unloads it, all in another process.
    ///
    /// - Throws: what the adapter said; `unloadable` where it crashed, ended its process or ran out of time.
    @discardableResult
    public func run(
        library: String, options: Slipway.Adapter.V1.AdapterOptions = .init(), load: Slipway.Adapter.V1.LoadRequest,
        samples: [ModelExecution] = []
    ) throws(ServingError) -> Report {
        let request = Slipway.Adapter.V1.TrialRequest(
            library: library, options: options, load: load,
            samples: samples.map { sample in
                .init(
                    inputs: sample.inputs.map { TrialMessages.message($0) }, outputs: sample.outputs,
                    context: sample.context)
            }, memoryBytesMax: UInt64(clamping: memoryBytesMax))
        let child = try ChildProcess.run(program, arguments, input: request.serialized(), atMost: timeLimit)
        return try LoadTrial.judge(child, name: load.name, timeLimit)
    }

    static func judge(_ child: ChildProcess, name: String, _ limit: Duration) throws(ServingError) -> Report {
        var report = Report(description: .init(), answers: [])
        var stage = "starting"
        var isFinished = false
        for event in TrialMessages.events(in: child.output[...]) {
            switch event {
            case .stage(let next): stage = next
            case .description(let description): report.description = description
            case .answer(let answer): report.answers.append(answer.outputs.compactMap { TrialMessages.tensor($0) })
            case .failure(let failure):
                throw ServingError(TrialMessages.kind(named: failure.kind), failure.message)
            case .finished: isFinished = true
            }
        }
        if isFinished, child.ending == .exited(0) { return report }
        let subject = name.isEmpty ? "the model" : "model \"\(name)\""
        let what =
            switch child.ending {
            case .crashed(let signal): "crashed with \(ChildProcess.signalName(signal)) while \(stage)"
            case .exited(let code): "ended its process with code \(code) while \(stage)"
            case .ranOut: "was still \(stage) after \(limit), and was ended"
            }
        let lines = String(decoding: child.lastWords, as: UTF8.self).split(separator: "\n") as [Substring]
        let words = lines.last.map { ": \($0)" } ?? ""
        throw ServingError(.unloadable, "\(subject) \(what) (in a trial process; the server goes on)\(words)")
    }
}
