// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import TurnpikeModel

/// Why something is written: for the log, and for those who read the audit.
struct ReasonOption: ParsableArguments {
    @Option(help: "Why, for the log and the audit: a line of up to 512 bytes.")
    var reason: String?

    func validate() throws {
        guard let reason else { return }
        guard reason.utf8.count <= 512, reason.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7F })
        else {
            throw ValidationError("--reason takes one line of up to 512 bytes.")
        }
    }
}

/// What all commands take that change something which workers serve by.
struct WriteOptions: ParsableArguments {
    @Flag(help: "Say what would change, and change nothing.")
    var dryRun = false

    @Flag(help: "Wait until the workers have applied the change.")
    var wait = false

    @Option(help: "How long to wait at most.")
    var timeout = DurationArgument(.seconds(30))

    @OptionGroup var why: ReasonOption

    func validate() throws {
        if wait, dryRun { throw ValidationError("A dry run changes nothing that could be waited for.") }
    }

    /// The parameters of the request that writes.
    var query: [(name: String, value: String)] { dryRun ? [(name: "dryRun", value: "true")] : [] }
}
