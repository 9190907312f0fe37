import CommandLineKit
import Contracts

/// A step as it is typed, in the words of a Dockerfile: `ENV A=b`, `COPY conf/ /etc/app/`.
enum StepText {
    static let wanted = "one of ENV, LABEL, WORKDIR, USER and COPY, as in a Dockerfile: 'ENV A=b'"

    /// - Throws: `UsageError` with what is wrong.
    static func parse(_ text: String) throws -> [Slipway.Images.V1.Step] {
        func fault(_ reason: String) -> UsageError {
            UsageError("--step \"\(text)\": \(reason)", path: "slipway image build")
        }
        guard var words = ShellWords.split(text) else { throw fault("a quotation mark is left open") }
        guard let keyword = words.first else { throw fault("must be \(wanted)") }
        words.removeFirst()
        func only(_ example: String) throws -> String {
            guard words.count == 1, let word = words.first, !word.isEmpty else {
                throw fault("must be as '\(keyword.uppercased()) \(example)'")
            }
            return word
        }
        func pairs(_ example: String) throws -> [Slipway.Images.V1.Variable] {
            let pairs = words.compactMap { Pair($0) }
            guard !pairs.isEmpty, pairs.count == words.count else {
                throw fault("must be as '\(keyword.uppercased()) \(example)'")
            }
            return pairs.map { .init(name: $0.key, value: $0.value) }
        }
        switch keyword.uppercased() {
        case "ENV": return try pairs("A=b").map { .init(kind: .env($0)) }
        case "LABEL": return try pairs("team=growth").map { .init(kind: .label($0)) }
        case "WORKDIR": return [.init(kind: .workdir(try only("/srv/app")))]
        case "USER": return [.init(kind: .user(try only("1000:1000")))]
        case "COPY":
            if let flag = words.first(where: { $0.hasPrefix("--") }) { throw fault("COPY has no flags here: \(flag)") }
            guard words.count >= 2, let target = words.popLast() else {
                throw fault("must be as 'COPY conf/app.toml /etc/app/'")
            }
            guard words.count == 1 || target.hasSuffix("/") else {
                throw fault("many files go to a folder, whose path ends in /")
            }
            return words.map { .init(kind: .copy(.init(from: $0, to: target))) }
        case "RUN":
            throw fault("nothing is run while an image is built; packages belong in the dependency file (--deps)")
        case "FROM": throw fault("--base says what the image stands on")
        case "ADD": throw fault("ADD is COPY here")
        default:
            let hint = Suggestion.nearest(to: keyword, among: ["env", "label", "workdir", "user", "copy"])
            throw fault("must be \(wanted)\(hint.map { "; did you mean \($0.uppercased())?" } ?? "")")
        }
    }
}

extension StepText {
    /// A step as a Dockerfile has it.
    static func text(_ step: Slipway.Images.V1.Step) -> String {
        switch step.kind {
        case .env(let pair): "ENV \(pair.name)=\(pair.value)"
        case .label(let pair): "LABEL \(pair.name)=\(pair.value)"
        case .workdir(let path): "WORKDIR \(path)"
        case .user(let user): "USER \(user)"
        case .copy(let copy): "COPY \(copy.from) \(copy.to)"
        case nil: ""
        }
    }
}

/// A line in words, as a shell takes it apart: quotation marks keep blanks, a backslash what follows.
enum ShellWords {
    /// - Returns: nil where a quotation mark or an escape is left open.
    static func split(_ text: String) -> [String]? {
        var words: [String] = []
        var word: String?
        var quote: Character?
        var rest = text[...]
        while let character = rest.popFirst() {
            switch character {
            case "\\" where quote != "'":
                guard let next = rest.popFirst() else { return nil }
                // In quotes it is only for what would end them.
                let isEscape = quote == nil || next == "\"" || next == "\\"
                word = (word ?? "") + (isEscape ? "" : "\\") + String(next)
            case quote: quote = nil
            case "'" where quote == nil, "\"" where quote == nil:
                quote = character
                word = word ?? ""
            case _ where quote == nil && character.isWhitespace:
                if let done = word { words.append(done) }
                word = nil
            default: word = (word ?? "") + String(character)
            }
        }
        guard quote == nil else { return nil }
        if let word { words.append(word) }
        return words
    }
}
