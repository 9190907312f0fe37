import CommandLineKit

enum CompletionScript {
    static let shell = Argument(
        "SHELL", "bash, zsh or fish", completion: .words(Completion.allCases.map(\.rawValue))
    ) { Completion(rawValue: $0) == nil ? "bash, zsh or fish" : nil }

    static let command: Command<Session> = Command(
        "completion", "Writes a script that teaches a shell to complete slipway's commands and flags.",
        arguments: [shell],
        examples: [
            .init("eval \"$(slipway completion bash)\"", "in ~/.bashrc"),
            .init("eval \"$(slipway completion zsh)\"", "in ~/.zshrc, behind compinit"),
            .init("slipway completion fish | source", "in ~/.config/fish/config.fish"),
        ]
    ) { values, session in
        guard let shell = Completion(rawValue: values[shell]) else { return }
        session.terminal.write(shell.script(for: Root.command))
    }
}
