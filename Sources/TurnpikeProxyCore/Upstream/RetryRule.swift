// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel

/// When a service's requests are tried once more. Times in nanoseconds.
struct RetryRule: Sendable {
    private struct Conditions: OptionSet, Sendable {
        let rawValue: UInt8
        static let connectFailure = Conditions(rawValue: 1)
        static let reset = Conditions(rawValue: 2)
        static let timeout = Conditions(rawValue: 4)
    }

    /// Retries of one request.
    let attempts: Int
    /// Methods of requests that may reach an upstream twice.
    let methods: MethodSet
    /// `.max` where there is no such bound.
    let perTryTimeout: UInt64
    let budget: Retries.Budget
    private let conditions: Conditions
    /// A bit for each status from 500: there are a hundred.
    private let statuses: (low: UInt64, high: UInt64)
    private let baseInterval: UInt64
    private let maxInterval: UInt64

    init(_ retries: Retries) {
        attempts = retries.attempts
        methods = retries.methods.isEmpty ? .idempotent : MethodSet(names: retries.methods)
        perTryTimeout = retries.perTryTimeout.map { UInt64(max($0.inNanoseconds, 1)) } ?? .max
        budget = retries.budget
        baseInterval = UInt64(max(retries.backOff.baseInterval.inNanoseconds, 1))
        maxInterval = UInt64(max(retries.backOff.maxInterval.inNanoseconds, 1))
        var conditions: Conditions = []
        var statuses: (low: UInt64, high: UInt64) = (0, 0)
        for condition in retries.on {
            switch condition {
            case .connectFailure: conditions.insert(.connectFailure)
            case .reset: conditions.insert(.reset)
            case .timeout: conditions.insert(.timeout)
            case .serverErrors: statuses = (.max, .max)
            case .status(500..<564): statuses.low |= 1 << UInt64(condition.number - 500)
            case .status: statuses.high |= 1 << UInt64(max(condition.number - 564, 0))
            }
        }
        self.conditions = conditions
        self.statuses = statuses
    }

    /// Whether anything is tried again that an upstream may have seen, so that content is worth keeping.
    var repeatsRequests: Bool {
        !conditions.isDisjoint(with: [.reset, .timeout]) || statuses.low | statuses.high != 0
    }

    /// - Parameter status: of the answer, where that is the failure.
    func covers(_ failure: UpstreamFailure, status: Int) -> Bool {
        switch failure {
        case .connect, .connectTimeout: conditions.contains(.connectFailure)
        case .closed: conditions.contains(.reset)
        case .timeout: conditions.contains(.timeout)
        case .malformed: false
        case .status: covers(status: status)
        }
    }

    private func covers(status: Int) -> Bool {
        switch status {
        case 500..<564: statuses.low & 1 << UInt64(status - 500) != 0
        case 564..<600: statuses.high & 1 << UInt64(status - 564) != 0
        default: false
        }
    }

    /// How long to wait: anything up to a bound that doubles with each retry, so that those who failed together do not come
    /// back together.
    ///
    /// - Parameter number: 1 for the first retry of a request.
    func pause(beforeRetry number: Int, random: inout RandomSource) -> UInt64 {
        let doubled = baseInterval.multipliedReportingOverflow(by: 1 << UInt64(min(max(number - 1, 0), 32)))
        let bound = doubled.overflow ? maxInterval : min(doubled.partialValue, maxInterval)
        return UInt64.random(in: 0...bound, using: &random)
    }
}

extension Retries.Condition {
    fileprivate var number: Int { if case .status(let status) = self { status } else { 0 } }
}

extension MethodSet {
    /// RFC 9110 §9.2.2.
    static let idempotent: MethodSet = [
        .get, .head, MethodSet(.put), MethodSet(.delete), MethodSet(.options), MethodSet(.trace),
    ]
}
