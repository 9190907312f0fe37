import CommandLineKit
import Testing

@Suite("Help and completion")
struct HelpTests {
    @Test("help has the line of usage, flags and examples")
    func help() throws {
        guard case .help(let command, let path) = try Parser.parse(Sample.root, ["model", "register", "--help"]) else {
            Issue.record("help was asked for")
            return
        }
        #expect(
            HelpText.of(command, path: path, root: Sample.root, width: 80) == """
                Registers.

                Sends what lacks.

                Usage:
                  sample model register PATH --name NAME [FLAGS]

                Arguments:
                  PATH  a file

                Flags:
                  --name NAME          the name (must be given)
                  --tag KEY=VALUE      a label (can be repeated)
                  --metric KEY=NUMBER  a number (can be repeated)
                  --limit COUNT        at most
                  --since TIME         not before
                  --lifetime LENGTH    how long

                Flags of every command:
                  --server ADDRESS            where
                  -o, --output table|json|yaml
                                              how
                  -q, --quiet                 less
                  -h, --help                  this text

                Examples:
                  # one
                  sample model register x --name y

                """)
    }

    @Test("help of the root tells the exit codes")
    func codes() {
        let text = HelpText.of(Sample.root, path: "sample", root: Sample.root)
        for code in ExitCode.allCases { #expect(text.contains("\(code.rawValue)"), "\(code)") }
    }

    @Test("completion knows every command and flag", arguments: Completion.allCases)
    func completion(_ shell: Completion) {
        let script = shell.script(for: Sample.root)
        for word in ["register", "untag", "history", "whoami", "lifetime", "output", "quiet"] {
            #expect(script.contains(word), "\(word)")
        }
    }
}
