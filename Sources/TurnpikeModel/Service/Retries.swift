// SPDX-License-Identifier: Apache-2.0

/// When a request that failed at a service is sent once more, and how often.
///
/// What is sent again was never seen by the client: nothing of an answer has gone to it. A request whose content has been sent
/// on is repeated only if all of it is still held, which is up to 64 KiB. Quotas and rate limits are spent once, whatever the
/// number of tries.
public struct Retries: Sendable, Hashable {
    /// What is worth another try.
    public enum Condition: Sendable, Hashable {
        /// No connection could be made. Nothing was sent, and so any method is safe.
        case connectFailure
        /// The upstream closed before the head of its answer was whole.
        case reset
        /// The head of the answer did not come in time.
        case timeout
        /// Any answer from 500 to 599.
        case serverErrors
        /// An answer with this status, 500 to 599.
        case status(Int)
    }

    /// How many retries there may be for so many requests, so that they cannot pile up on a service that is down. One for each
    /// service and event loop.
    public struct Budget: Sendable, Hashable {
        /// Of the requests, 0 to 100. Default 20.
        public var percent: Int
        /// And in any case so many a second, up to 1,000; saved up for ten seconds. Default 3.
        public var minPerSecond: Int

        public init(percent: Int = 20, minPerSecond: Int = 3) {
            self.percent = percent
            self.minPerSecond = minPerSecond
        }
    }

    /// How long to wait before a retry: a random time up to `baseInterval`, twice that before the second, and so on. Another
    /// endpoint after one that could not be reached is tried at once.
    public struct BackOff: Sendable, Hashable {
        /// 1 ms to 10 s. Default 25 ms.
        public var baseInterval: Duration
        /// Default ten times `baseInterval`.
        public var maxInterval: Duration

        public init(baseInterval: Duration = .milliseconds(25), maxInterval: Duration? = nil) {
            self.baseInterval = baseInterval
            self.maxInterval = maxInterval ?? baseInterval * 10
        }
    }

    /// Retries of one request, 1 to 10. Default 2.
    public var attempts: Int
    /// At least one.
    public var on: [Condition]
    /// Methods that may be sent twice. Empty: those that are idempotent (RFC 9110, section 9.2.2).
    public var methods: [String]
    /// From a try's begin, or the last piece of the request sent on, to the head of the answer. Absent: no bound but the
    /// service's others.
    public var perTryTimeout: Duration?
    public var backOff: BackOff
    public var budget: Budget

    public init(
        attempts: Int = 2, on: [Condition], methods: [String] = [], perTryTimeout: Duration? = nil,
        backOff: BackOff = BackOff(), budget: Budget = Budget()
    ) {
        self.attempts = attempts
        self.on = on
        self.methods = methods
        self.perTryTimeout = perTryTimeout
        self.backOff = backOff
        self.budget = budget
    }

    /// The methods that `methods` may name.
    public static let knownMethods = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"]

    public init(reading fields: inout FieldReader) {
        attempts = Int(fields.integer("attempts", in: 1...10, default: 2))
        let conditions = fields.strings("on", count: 1...100) {
            Condition($0) == nil
                ? "'\($0)' must be 'connectFailure', 'reset', 'timeout', '5xx' or a status from 500 to 599." : nil
        }
        on = conditions.compactMap { Condition($0) }
        methods = fields.strings("methods", count: 0...Self.knownMethods.count) {
            Self.knownMethods.contains($0)
                ? nil : "'\($0)' must be one of \(Self.knownMethods.joined(separator: ", "))."
        }
        perTryTimeout = fields.optionalDuration("perTryTimeout", in: .milliseconds(1) ... .seconds(3600))
        backOff = fields.object("backOff") { BackOff(reading: &$0) } ?? BackOff()
        budget = fields.object("budget") { Budget(reading: &$0) } ?? Budget()
    }

    public func write(to fields: inout FieldWriter) {
        fields.write("attempts", Int64(attempts))
        fields.write("on", on.map(\.text))
        if !methods.isEmpty { fields.write("methods", methods) }
        if let perTryTimeout { fields.write("perTryTimeout", perTryTimeout) }
        fields.write("backOff") { backOff.write(to: &$0) }
        fields.write("budget") { budget.write(to: &$0) }
    }
}

extension Retries.Condition {
    public init?(_ text: String) {
        switch text {
        case "connectFailure": self = .connectFailure
        case "reset": self = .reset
        case "timeout": self = .timeout
        case "5xx": self = .serverErrors
        default:
            guard text.utf8.count == 3, let status = Int(text), (500...599).contains(status) else { return nil }
            self = .status(status)
        }
    }

    public var text: String {
        switch self {
        case .connectFailure: "connectFailure"
        case .reset: "reset"
        case .timeout: "timeout"
        case .serverErrors: "5xx"
        case .status(let status): "\(status)"
        }
    }
}

extension Retries.Budget {
    fileprivate init(reading fields: inout FieldReader) {
        percent = Int(fields.integer("percent", in: 0...100, default: 20))
        minPerSecond = Int(fields.integer("minPerSecond", in: 0...1000, default: 3))
        if percent == 0, minPerSecond == 0 {
            fields.report("percent", .range, "One of 'percent' and 'minPerSecond' must be above 0.")
        }
    }

    fileprivate func write(to fields: inout FieldWriter) {
        fields.write("percent", Int64(percent))
        fields.write("minPerSecond", Int64(minPerSecond))
    }
}

extension Retries.BackOff {
    fileprivate init(reading fields: inout FieldReader) {
        baseInterval = fields.duration(
            "baseInterval", in: .milliseconds(1) ... .seconds(10), default: .milliseconds(25))
        maxInterval = fields.duration(
            "maxInterval", in: .milliseconds(1) ... .seconds(100), default: baseInterval * 10)
        if maxInterval < baseInterval {
            fields.report("maxInterval", .range, "'maxInterval' must not be less than 'baseInterval'.")
        }
    }

    fileprivate func write(to fields: inout FieldWriter) {
        fields.write("baseInterval", baseInterval)
        fields.write("maxInterval", maxInterval)
    }
}
