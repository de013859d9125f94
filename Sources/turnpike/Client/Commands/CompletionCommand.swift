// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

/// `turnpike completion SHELL`
struct CompletionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "completion",
        abstract: "Print a script by which a shell completes commands, options and kinds.",
        discussion: """
            bash: source <(turnpike completion bash), in ~/.bashrc. zsh: turnpike completion zsh > _turnpike, in a folder of \
            $fpath. fish: turnpike completion fish > ~/.config/fish/completions/turnpike.fish
            """
    )

    enum Shell: String, ExpressibleByArgument, CaseIterable {
        case bash, zsh, fish

        var script: String {
            let shell: CompletionShell =
                switch self {
                case .bash: .bash
                case .zsh: .zsh
                case .fish: .fish
                }
            return Turnpike.completionScript(for: shell)
        }
    }

    @Argument(help: "The shell: bash, zsh or fish.")
    var shell: Shell

    func run() { Terminal.standardOutput.write(shell.script + "\n") }
}
