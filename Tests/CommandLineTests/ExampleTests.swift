import CommandLineKit
import Testing

@testable import Slipway

@Suite("Examples in the help")
struct ExampleTests {
    private static func leaves(_ command: Command<Session>) -> [Command<Session>] {
        command.subcommands.isEmpty ? [command] : command.subcommands.flatMap(leaves)
    }

    /// The words of a line as a shell would have them; nil where it would do more than take them apart.
    private static func words(_ line: String) -> [String]? {
        guard !line.contains(where: { "|$;<>&…".contains($0) }) else { return nil }
        var words: [String] = []
        var word = ""
        var quote: Character?
        var isWord = false
        for character in line {
            if let open = quote {
                if character == open { quote = nil } else { word.append(character) }
            } else if character == "'" || character == "\"" {
                quote = character
                isWord = true
            } else if character == " " {
                if isWord { words.append(word) }
                (word, isWord) = ("", false)
            } else {
                word.append(character)
                isWord = true
            }
        }
        return words + (isWord ? [word] : [])
    }

    @Test("every command has one")
    func there() {
        for command in ExampleTests.leaves(Root.command) { #expect(!command.examples.isEmpty, "\(command.name)") }
    }

    @Test("every one is taken by the parser, and by the command that it is of")
    func parsed() throws {
        var count = 0
        for command in ExampleTests.leaves(Root.command) {
            for example in command.examples where example.line.hasPrefix("slipway ") {
                guard let words = ExampleTests.words(example.line) else { continue }
                guard case .run(let found, _, _) = try Parser.parse(Root.command, Array(words.dropFirst())) else {
                    Issue.record("\(example.line) is no command")
                    continue
                }
                #expect(found.name == command.name, "\(example.line)")
                count += 1
            }
        }
        #expect(count > 100)
    }
}
