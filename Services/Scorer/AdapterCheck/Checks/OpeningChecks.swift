import AdapterContracts
import Serving

/// What an adapter shows before it has a model.
let openingChecks: [Check] = [
    Check(name: "entry", promise: "the entry gives a whole table for this version, and nothing for others") {
        subject throws(Finding) in
        let probe = try finding("the library") { () throws(ServingError) in
            try AdapterProbe(path: subject.options.library)
        }
        guard !probe.answersOtherMajors else {
            throw Finding("it gives a table for a major version that does not exist, where NULL is the answer")
        }
        return .passed(
            "version \(probe.major).\(probe.minor), \(probe.size) bytes; "
                + (probe.absent.isEmpty ? "all functions" : "without \(probe.absent.joined(separator: ", "))"))
    },
    Check(name: "describe", promise: "the adapter says its name, version and formats") { subject throws(Finding) in
        let library = try subject.library()
        let adapter = library.adapter
        guard !adapter.version.isEmpty else { throw Finding("it says no version") }
        guard !adapter.formats.isEmpty else { throw Finding("it says no formats that it loads") }
        let again = try finding("describing again") { () throws(ServingError) in try library.describeAgain() }
        guard again.name == adapter.name, again.formats == adapter.formats else {
            throw Finding("it describes itself differently the second time")
        }
        return .passed("\(adapter.name) \(adapter.version), formats \(adapter.formats.joined(separator: ", "))")
    },
    Check(name: "adapter-option", promise: "an option that the adapter does not know is refused, by name") {
        subject throws(Finding) in
        var options = subject.adapterOptions
        options.options["no_such_option"] = "1"
        do throws(ServingError) {
            _ = try AdapterLibrary(path: subject.options.library, options: options)
        } catch {
            guard error.message.contains("no_such_option") else {
                throw Finding("its error does not say which option: \(error.message)")
            }
            return .passed("")
        }
        throw Finding("it opens with an option that does not exist")
    },
    Check(name: "recognise", promise: "it knows its model's folder, and claims no empty one") {
        subject throws(Finding) in
        let library = try subject.library()
        let recognition = try finding("looking at the model") { () throws(ServingError) in
            try library.recognise(subject.request)
        }
        let empty = try subject.folder()
        var request = subject.request
        request.folder = empty.path
        request.file = ""
        if let claimed = try? library.recognise(request), claimed.certainty > 0 {
            throw Finding("it is \(claimed.certainty) % certain of an empty folder")
        }
        guard recognition.certainty > 0 else {
            return .noted("it does not; models have to ask for it by name (\(recognition.reason))")
        }
        guard recognition.certainty <= 100 else { throw Finding("it is more than 100 certain") }
        return .passed("\(recognition.certainty): \(recognition.reason)")
    },
]
