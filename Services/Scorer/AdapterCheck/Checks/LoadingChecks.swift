import AdapterContracts
import Serving

/// Loading, the ways in which it must fail, and doing it over and over.
let loadingChecks: [Check] = [
    Check(name: "load", promise: "the model loads and describes itself") { subject throws(Finding) in
        let model = try subject.model()
        let description = model.description
        if description.interface == .tensors, description.outputs.isEmpty {
            throw Finding("its description has no outputs")
        }
        let inputs = description.inputs.map { "\($0.name) \($0.shape)" }.joined(separator: ", ")
        let outputs = description.outputs.map { "\($0.name) \($0.shape)" }.joined(separator: ", ")
        return .passed("\(description.format): \(inputs) -> \(outputs)\(description.batches ? ", batches" : "")")
    },
    Check(name: "model-option", promise: "an option that models do not have is refused, by name") {
        subject throws(Finding) in
        var request = subject.request
        request.options["no_such_option"] = "1"
        let error = try refusal(of: request, by: try subject.library(), "a model with an option that does not exist")
        guard error.message.contains("no_such_option") else {
            throw Finding("its error does not say which option: \(error.message)")
        }
        return .passed("")
    },
    Check(name: "no-model", promise: "a folder that is empty or not there does not load") { subject throws(Finding) in
        let library = try subject.library()
        let empty = try subject.folder()
        var request = subject.request
        request.file = ""
        for folder in [empty.path, empty.path + "/nowhere"] {
            request.folder = folder
            _ = try refusal(of: request, by: library, "\(folder == empty.path ? "an empty" : "a missing") folder")
        }
        return .passed("")
    },
    Check(name: "damaged", promise: "files that are empty, cut short or random are refused with a reason") {
        subject throws(Finding) in
        let library = try subject.library()
        var loaded: [String] = []
        for damage in Damage.allCases {
            let folder = try subject.folder()
            try folder.copy(subject.options.model, damage, seed: subject.options.seed)
            var request = subject.request
            request.folder = folder.path
            let failure: ServingError?
            do throws(ServingError) {
                _ = try library.load(request)
                failure = nil
            } catch {
                failure = error
            }
            guard let failure else {
                if damage == .emptied { throw Finding("it loads a model whose files are empty") }
                loaded.append(damage.rawValue)
                continue
            }
            guard !failure.message.isEmpty else {
                throw Finding("it refuses \(damage.rawValue) files without a text")
            }
        }
        return loaded.isEmpty ? .passed("") : .noted("it loads files that were \(loaded.joined(separator: " and "))")
    },
    Check(name: "reload", promise: "loading and unloading over and over leaves nothing behind") {
        subject throws(Finding) in
        let library = try subject.library()
        var watch = LeakWatch()
        while watch.count < subject.options.loads, !watch.isOver(seconds: subject.options.seconds) {
            let model = try finding("load \(watch.count + 1)") { () throws(ServingError) in
                try library.load(subject.request)
            }
            let instance = try subject.instance(of: model)
            // Loading a model is half of it: what an execution makes has to go as well.
            if watch.count % 10 == 0 {
                _ = try subject.answer(instance, try subject.inputs(for: model))
            }
            watch.step()
        }
        return .passed(try watch.judge(each: "load"))
    },
]

/// The error that loading has to end with.
private func refusal(
    of request: Slipway.Adapter.V1.LoadRequest, by library: AdapterLibrary, _ what: String
) throws(Finding) -> ServingError {
    do throws(ServingError) {
        _ = try library.load(request)
    } catch {
        guard !error.message.isEmpty else { throw Finding("it refuses \(what) without a text") }
        return error
    }
    throw Finding("it loads \(what)")
}
