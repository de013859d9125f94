// SPDX-License-Identifier: Apache-2.0

/// A refusal or failure: a code from the catalogue, what the client may read, and what only the log may.
public struct TurnpikeError: Error, Sendable, CustomStringConvertible {
    public var code: ErrorCode
    /// One sentence for the client. Holds no secret, no path of ours and nothing about other tenants.
    public var detail: String
    /// Every fault of the body at once, where the code is about a body.
    public var faults: [Fault]
    /// What failed underneath, for the log only.
    public var cause: (any Error)?
    /// How long the client should wait before it tries again, where waiting helps.
    public var retryAfter: Duration?

    public init(
        _ code: ErrorCode, _ detail: String, faults: [Fault] = [], cause: (any Error)? = nil,
        retryAfter: Duration? = nil
    ) {
        self.code = code
        self.detail = detail
        self.faults = faults
        self.cause = cause
        self.retryAfter = retryAfter
    }

    /// A body that breaks the rules of its kind.
    public static func invalid(_ faults: [Fault]) -> TurnpikeError {
        let detail = faults.count == 1 ? faults[0].detail : "\(faults.count) fields are not valid."
        return TurnpikeError(.invalidResource, detail, faults: faults)
    }

    public var description: String {
        let faults = faults.map { " [\($0.pointer): \($0.detail)]" }.joined()
        return "\(code.rawValue): \(detail)\(faults)\(cause.map { " (\($0))" } ?? "")"
    }
}
