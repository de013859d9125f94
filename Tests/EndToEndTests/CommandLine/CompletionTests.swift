// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Testing
import TurnpikeModel
import TurnpikeTestSupport

@testable import turnpike

@Suite struct CompletionTests {
    @Test(arguments: CompletionCommand.Shell.allCases)
    func `each shell's script knows every command`(shell: CompletionCommand.Shell) {
        let script = shell.script
        for command in Turnpike.configuration.subcommands {
            let name = command.configuration.commandName ?? ""
            #expect(!name.isEmpty && script.contains(name), "\(name)")
        }
    }

    @Test(
        arguments: [
            (["turnpike", "comp"], ["completion"]), (["turnpike", "quota"], ["quota-state"]),
            (["turnpike", "delete", "api"], ["api-keys"]),
            (["turnpike", "completion", ""], ["bash", "fish", "zsh"]),
            (["turnpike", "rollout", "--wa"], ["--wait"]),
        ])
    func `bash completes commands, options and kinds`(words: [String], expected: [String]) async throws {
        try await Stage.with { stage in
            // What bash sets before it calls the function that the script names.
            let script = """
                source <("\(Stage.programs)/turnpike" completion bash)
                COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE="$*"; COMP_POINT=${#COMP_LINE}
                _turnpike turnpike "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
                printf '%s\\n' "${COMPREPLY[@]}" | sed 's/ *$//' | sort
                """
            let bash = try stage.start("bash", "/bin/bash", ["-c", script, "bash"] + words)
            #expect(try await bash.ended() == 0, "\(bash.output)")
            #expect(bash.output.split(separator: "\n").map(String.init) == expected)
        }
    }
}
