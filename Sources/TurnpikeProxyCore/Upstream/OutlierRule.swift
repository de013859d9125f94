// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel

/// What came of one try at an endpoint.
enum TryOutcome: Sendable, Hashable {
    case success
    /// 502, 503 or 504, or no answer at all.
    case gatewayError
    /// Another 5xx answer.
    case serverError

    init(status: Int) {
        self =
            switch status {
            case 502, 503, 504: .gatewayError
            case 500...: .serverError
            default: .success
            }
    }
}

/// When an endpoint is ejected, and for how long. Times in nanoseconds.
struct OutlierRule: Sendable, Hashable {
    let consecutive5xx: Int
    let consecutiveGatewayErrors: Int
    let baseEjectionTime: UInt64
    let maxEjectionTime: UInt64
    let maxEjectionPercent: Int

    init(_ detection: OutlierDetection) {
        // A count that is never reached stands for none.
        consecutive5xx = detection.consecutive5xx == 0 ? .max : detection.consecutive5xx
        consecutiveGatewayErrors =
            detection.consecutiveGatewayErrors == 0 ? .max : detection.consecutiveGatewayErrors
        baseEjectionTime = UInt64(max(detection.baseEjectionTime.inNanoseconds, 1))
        maxEjectionTime = UInt64(max(detection.maxEjectionTime.inNanoseconds, 1))
        maxEjectionPercent = detection.maxEjectionPercent
    }

    /// How many of so many endpoints may be out at once: one at least where there are several, as a small percentage of
    /// few would be none; a single one only by 100 percent.
    func mostEjected(of count: Int) -> Int { max(count * maxEjectionPercent / 100, count > 1 ? 1 : 0) }
}

/// What tries at an endpoint have taught of it.
struct OutlierState: Sendable, Hashable {
    private var errors = 0
    private var gatewayErrors = 0
    /// Ejections that are not forgotten yet.
    private var times: UInt64 = 0
    /// The end of the last ejection; 0 where there was none.
    private(set) var ejectedUntil: UInt64 = 0

    func isEjected(now: UInt64) -> Bool { now < ejectedUntil }

    /// Takes note of what a try has come to. Those that were under way at an ejection teach nothing new.
    ///
    /// - Returns: whether the endpoint should be ejected.
    mutating func note(_ outcome: TryOutcome, by rule: OutlierRule, now: UInt64) -> Bool {
        guard !isEjected(now: now) else { return false }
        switch outcome {
        case .success:
            errors = 0
            gatewayErrors = 0
            return false
        case .serverError:
            errors += 1
            gatewayErrors = 0
        case .gatewayError:
            errors += 1
            gatewayErrors += 1
        }
        return errors >= rule.consecutive5xx || gatewayErrors >= rule.consecutiveGatewayErrors
    }

    mutating func eject(by rule: OutlierRule, now: UInt64) {
        // Good times since the last ejection make up for those before.
        let goodTimes = ejectedUntil == 0 || now < ejectedUntil ? 0 : (now - ejectedUntil) / rule.baseEjectionTime
        times = times > goodTimes ? times - goodTimes + 1 : 1
        let (product, overflows) = rule.baseEjectionTime.multipliedReportingOverflow(by: times)
        ejectedUntil = now + (overflows ? rule.maxEjectionTime : min(product, rule.maxEjectionTime))
        errors = 0
        gatewayErrors = 0
    }
}
