/// What was wrong with the words of a command.
struct UsageError: Error {
    var message: String
}

struct Options {
    var library = ""
    var model = ""
    /// The file in the model's folder to load.
    var file = ""
    var input = ""
    var adapterOptions: [String: String] = [:]
    var frameworkLibrary = ""
    var modelOptions: [String: String] = [:]
    var loads = 1000
    var seconds = 60
    var seed: UInt64 = 1
    var isJSON = false
    var checks: [String] = []
    var wantsHelp = false
    /// Set in the process of a single check.
    var childOf: String?
    var scratch = "/tmp"

    static let help = """
        adapter-check LIBRARY --model FOLDER: has an adapter do everything its contract asks for, and says what it does not

          --model FOLDER         a model that the adapter loads
          --file NAME            the file in the folder to load; otherwise the adapter finds it
          --input FILE           a request to begin with: {"inputs": [{"name", "datatype", "shape", "data"}]}; of a model
                                 that takes documents, the document. Otherwise inputs are made from the description
          --option K=V           an option of the model; may be repeated
          --adapter-option K=V   an option of the adapter; may be repeated
          --framework FILE       the framework's library, where the adapter does not find it by itself
          --loads N              how often the model is loaded and unloaded to find leaks (1000)
          --seconds N            how long that, and any other check, may take (60)
          --seed N               what made inputs come from (1)
          --check NAME           only this check; may be repeated
          --output json          the findings as JSON

        Exit code 0: everything holds. 1: something does not. 2: the command was wrong.

        """

    init(_ words: [String]) throws(UsageError) {
        var rest = words[...]
        while let word = rest.popFirst() {
            switch word {
            case "--help", "-h": wantsHelp = true
            case "--model": model = try Options.value(of: word, &rest)
            case "--file": file = try Options.value(of: word, &rest)
            case "--input": input = try Options.value(of: word, &rest)
            case "--framework": frameworkLibrary = try Options.value(of: word, &rest)
            case "--option": try Options.pair(of: word, &rest, into: &modelOptions)
            case "--adapter-option": try Options.pair(of: word, &rest, into: &adapterOptions)
            case "--loads": loads = try Options.number(of: word, &rest)
            case "--seconds": seconds = try Options.number(of: word, &rest)
            case "--seed": seed = UInt64(try Options.number(of: word, &rest))
            case "--check": checks.append(try Options.value(of: word, &rest))
            case "--output":
                let format = try Options.value(of: word, &rest)
                guard format == "json" || format == "text" else {
                    throw UsageError(message: "--output is json or text, not \(format)")
                }
                isJSON = format == "json"
            case "--child-of-adapter-check": childOf = try Options.value(of: word, &rest)
            case "--scratch": scratch = try Options.value(of: word, &rest)
            default:
                guard !word.hasPrefix("-") else { throw UsageError(message: "there is no option \(word)") }
                guard library.isEmpty else { throw UsageError(message: "one library at a time, please") }
                library = word
            }
        }
        guard !wantsHelp else { return }
        guard !library.isEmpty else { throw UsageError(message: "the adapter's library is missing") }
        guard !model.isEmpty else { throw UsageError(message: "--model is missing: a folder that the adapter loads") }
        for check in checks where Check.all.allSatisfy({ $0.name != check }) {
            throw UsageError(
                message: "there is no check \(check); there are: \(Check.all.map(\.name).joined(separator: ", "))")
        }
    }

    private static func value(of word: String, _ rest: inout ArraySlice<String>) throws(UsageError) -> String {
        guard let value = rest.popFirst() else { throw UsageError(message: "\(word) needs a value") }
        return value
    }

    private static func number(of word: String, _ rest: inout ArraySlice<String>) throws(UsageError) -> Int {
        let text = try value(of: word, &rest)
        guard let number = Int(text), number > 0 else {
            throw UsageError(message: "\(word) needs a number above 0, not \(text)")
        }
        return number
    }

    private static func pair(
        of word: String, _ rest: inout ArraySlice<String>, into pairs: inout [String: String]
    ) throws(UsageError) {
        let text = try value(of: word, &rest)
        guard let equals = text.firstIndex(of: "=") else {
            throw UsageError(message: "\(word) needs NAME=VALUE, not \(text)")
        }
        pairs[String(text[..<equals])] = String(text[text.index(after: equals)...])
    }
}
