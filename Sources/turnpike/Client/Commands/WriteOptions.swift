// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
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

/// What all commands take that write.
struct WriteOptions: ParsableArguments {
    @Flag(help: "Say what would change, and change nothing.")
    var dryRun = false

    @Flag(help: "Wait until the workers have applied the change.")
    var wait = false

    @Option(help: "How long to wait at most.")
    var timeout = DurationArgument(.seconds(30))

    @Option(
        help: """
            A text of your own that makes the write safe to repeat: within 24 hours, the same command with the same key is \
            carried out once, and answered with the same secrets. (default: a new one for each run)
            """)
    var idempotencyKey: String?

    @OptionGroup var why: ReasonOption

    func validate() throws {
        if wait, dryRun { throw ValidationError("A dry run changes nothing that could be waited for.") }
        if let key = idempotencyKey, !WriteOptions.isValid(key) {
            throw ValidationError("--idempotency-key takes 1 to 255 visible characters of ASCII.")
        }
    }

    /// As the contract has it, and as it can stand in a header field without losing anything.
    private static func isValid(_ key: String) -> Bool {
        (1...255).contains(key.utf8.count) && key.utf8.allSatisfy { (0x21...0x7E).contains($0) }
    }

    /// The key for one write of this run; each call without `--idempotency-key` makes another one.
    var repeatKey: String? { dryRun ? nil : idempotencyKey ?? UUID().uuidString }

    /// The parameters of the request that writes.
    var query: [(name: String, value: String)] { dryRun ? [(name: "dryRun", value: "true")] : [] }
}
