// SPDX-License-Identifier: Apache-2.0

/// Why a call to the control plane brought nothing.
enum ControlPlaneFailure: Error, CustomStringConvertible {
    /// No answer: refused connection, time over, name unknown.
    case unreachable(String)
    /// An answer, but not the one that was hoped for; the detail is the control plane's.
    case refused(status: Int, detail: String)
    /// An answer that makes no sense.
    case malformed(String)

    /// Whether the credential is what is wrong: unknown, expired or revoked.
    var isUnauthorized: Bool {
        if case .refused(status: 401, _) = self { true } else { false }
    }

    /// Whether the same call would be refused again: what the client sent is wrong. Not so for "too many" and "too
    /// slow".
    var isFinal: Bool {
        guard case .refused(let status, _) = self else { return false }
        return (400..<500).contains(status) && status != 408 && status != 429
    }

    var description: String {
        switch self {
        case .unreachable(let cause): "the control plane cannot be reached: \(cause)"
        case .refused(let status, ""): "the control plane answers \(status)"
        case .refused(let status, let detail): "the control plane answers \(status): \(detail)"
        case .malformed(let cause): "the control plane's answer is not understood: \(cause)"
        }
    }
}
