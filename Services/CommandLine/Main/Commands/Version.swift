import CommandLineKit

enum Version {
    static let command = Command<Session>(
        "version", "Says which version of slipway this is.", examples: [.init("slipway version", "this one's")]
    ) { _, session in session.terminal.write("slipway \(SlipwayProgram.version)\n") }
}
