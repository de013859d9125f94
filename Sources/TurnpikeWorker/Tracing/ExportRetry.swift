// SPDX-License-Identifier: Apache-2.0

/// What has come of sending a batch of spans once.
enum ExportOutcome: Sendable, Hashable {
    /// The collector has it, but for so many spans that it did not want (section "Partial Success").
    case accepted(rejected: Int)
    /// 429, 502, 503 or 504: it may be sent again (section "Retryable Response Codes"), not before so much time.
    case busy(status: Int, retryAfter: Duration?)
    /// Any other status: it must not be sent again.
    case refused(status: Int)
    /// There was no answer.
    case unreachable(reason: String)
}

/// Whether a batch of spans is sent again, and when: a pure decision, bounded in number and time, by OTLP's sections "Retryable
/// Response Codes", "OTLP/HTTP Throttling" and "OTLP/HTTP Connection".
struct ExportRetry: Sendable {
    enum Decision: Sendable, Hashable {
        case done
        /// For good; as `turnpike_trace_spans_dropped_total` names it.
        case drop(reason: String)
        case again(after: Duration)
    }

    /// Times that a batch is sent at most. With the pauses between them, a collector may be away for some twenty seconds before
    /// spans are lost, and the bound of what waits is not exceeded meanwhile.
    static let mostAttempts = 6
    /// A collector that asks for more time than this gets no more.
    static let longestPause = Duration.seconds(30)

    private var backOff: BackOff

    init(backOff: BackOff = BackOff(base: .seconds(1), cap: .seconds(10))) { self.backOff = backOff }

    mutating func decide(_ outcome: ExportOutcome, using random: inout some RandomNumberGenerator) -> Decision {
        switch outcome {
        case .accepted: return .done
        case .refused: return .drop(reason: "refused")
        case .busy(_, let asked):
            guard let pause = nextPause(using: &random) else { return .drop(reason: "undelivered") }
            return .again(after: asked.map { min($0, Self.longestPause) } ?? pause)
        case .unreachable:
            guard let pause = nextPause(using: &random) else { return .drop(reason: "undelivered") }
            return .again(after: pause)
        }
    }

    private mutating func nextPause(using random: inout some RandomNumberGenerator) -> Duration? {
        guard backOff.attempts + 1 < Self.mostAttempts else { return nil }
        return backOff.next(using: &random)
    }
}
