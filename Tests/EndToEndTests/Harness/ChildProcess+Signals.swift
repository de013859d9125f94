// SPDX-License-Identifier: Apache-2.0

import Foundation
import TurnpikeTestSupport

extension ChildProcess {
    /// Whether the program has taken a signal over, as far as the system tells; false where it does not.
    func heeds(_ signal: Int32) -> Bool {
        guard let status = try? String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8),
            let mask = status.firstMatch(of: /SigCgt:\s*([0-9a-f]+)/).flatMap({ UInt64($0.output.1, radix: 16) })
        else { return false }
        return mask & (1 << UInt64(signal - 1)) != 0
    }
}
