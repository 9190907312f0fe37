import Glibc
import Loop
import Serving

/// The process, which is not the adapter's.
let processChecks: [Check] = [
    Check(name: "executions", promise: "executing over and over leaves nothing behind") { subject throws(Finding) in
        let model = try subject.model()
        let instance = try subject.instance(of: model)
        let inputs = try subject.inputs(for: model)
        var watch = LeakWatch()
        let perRound = 20
        while watch.count < 250, !watch.isOver(seconds: subject.options.seconds / 2) {
            for _ in 0..<perRound { _ = try subject.outputs(instance, inputs) }
            watch.step()
        }
        let growth = try watch.judge(each: "\(perRound) executions")
        return .passed("\(growth); \(fastest(instance, inputs)) ns at its fastest, the host's part with it")
    },
    Check(name: "instances", promise: "making and destroying instances leaves nothing behind") {
        subject throws(Finding) in
        let model = try subject.model()
        let inputs = try subject.inputs(for: model)
        var watch = LeakWatch()
        while watch.count < subject.options.loads, !watch.isOver(seconds: subject.options.seconds / 2) {
            let instance = try subject.instance(of: model, watch.count % 4)
            if watch.count % 10 == 0 { _ = try subject.answer(instance, inputs) }
            watch.step()
        }
        return .passed(try watch.judge(each: "instance"))
    },
    Check(name: "process", promise: "signal handlers, locale, folder and umask stay as they were") {
        subject throws(Finding) in
        let before = ProcessState()
        do {
            let model = try subject.model()
            let instance = try subject.instance(of: model)
            _ = try subject.answer(instance, try subject.inputs(for: model))
        }
        if let fault = subject.faults.first { throw Finding(fault) }
        subject.close()
        if let change = ProcessState().change(from: before) { throw Finding(change) }
        return .passed("")
    },
]

/// Nanoseconds of one execution that completes before it returns: the least average of some short runs.
private func fastest(_ instance: any ServableInstance, _ inputs: [Tensor]) -> Int64 {
    let clock = MonotonicClock()
    let execution = ModelExecution(inputs: inputs)
    let perRun = 50
    return (0..<40).map { _ in
        let start = clock.now
        for _ in 0..<perRun {
            // Only one that is still under way is waited for: waiting costs more than a small model.
            let answered = Condition(false)
            guard instance.execute(execution, completion: { _ in answered.change { $0 = true } }) != nil else {
                continue
            }
            _ = answered.wait { $0 ? true : nil }
        }
        return (clock.now.nanoseconds - start.nanoseconds) / Int64(perRun)
    }.min() ?? 0
}

/// What belongs to the whole process.
private struct ProcessState {
    var handlers: [UInt]
    var locale: String
    var folder: String
    var mask: mode_t

    init() {
        handlers = (1..<65).map { signal in
            var action = sigaction()
            guard sigaction(Int32(signal), nil, &action) == 0 else { return 0 }
            return withUnsafeBytes(of: action.__sigaction_handler) { $0.loadUnaligned(as: UInt.self) }
        }
        locale = setlocale(LC_ALL, nil).map { String(cString: $0) } ?? ""
        folder =
            getcwd(nil, 0).map { pointer in
                defer { free(pointer) }
                return String(cString: pointer)
            } ?? ""
        mask = umask(0)
        umask(mask)
    }

    func change(from before: ProcessState) -> String? {
        if let signal = handlers.indices.first(where: { handlers[$0] != before.handlers[$0] }) {
            return "it installed a handler of signal \(signal + 1)"
        }
        if locale != before.locale { return "it changed the locale from \(before.locale) to \(locale)" }
        if folder != before.folder { return "it changed the working folder to \(folder)" }
        if mask != before.mask { return "it changed the umask to \(mask)" }
        return nil
    }
}
