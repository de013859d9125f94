// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel

/// Why a command did not do what it was asked, which decides its exit status.
enum CommandFailure: Error {
    /// The control plane refused, and says why.
    case refused(Problem)
    /// Something else went wrong; one sentence or more.
    case failed(String)
    /// What was given makes no sense.
    case misused(String)
    case unreachable(server: String, reason: String)
    /// What was asked is done, but the workers had not all applied it in time.
    case waitTimedOut(String)

    var exitStatus: Int32 {
        switch self {
        case .refused, .failed: 1
        case .misused: 2
        case .unreachable: 3
        case .waitTimedOut: 4
        }
    }

    /// The failure for a program: a problem (RFC 9457), the control plane's own where it is that which refuses.
    var json: JSON {
        switch self {
        case .refused(let problem): problem.json
        case .failed(let detail): CommandFailure.problem("The command failed", detail)
        case .misused(let detail): CommandFailure.problem("What was given makes no sense", detail)
        case .unreachable(let server, let reason):
            CommandFailure.problem("The control plane cannot be reached", "\(server): \(reason)")
        case .waitTimedOut(let detail): CommandFailure.problem("The wait timed out", detail)
        }
    }

    private static func problem(_ title: String, _ detail: String) -> JSON {
        ["type": "about:blank", "title": .string(title), "detail": .string(detail)]
    }

    /// The failure for a person at a terminal, with a line feed at its end.
    func message(styled: Bool) -> String {
        let mark = styled ? Style.red.applied(to: "Error:") : "Error:"
        return switch self {
        case .refused(let problem): "\(mark) \(problem.text)"
        case .failed(let reason), .misused(let reason): "\(mark) \(reason)\n"
        case .unreachable(let server, let reason): "\(mark) \(server) cannot be reached: \(reason)\n"
        case .waitTimedOut(let detail): "\(mark) \(detail)\n"
        }
    }
}
