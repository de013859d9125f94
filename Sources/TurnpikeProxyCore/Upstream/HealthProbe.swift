// SPDX-License-Identifier: Apache-2.0

/// One question to an endpoint how it is: events in, an outcome out.
///
/// The transport connects to ``address``, reports what happens until there is an ``outcome``, and closes then. Confined to the
/// gateway's event loop.
public final class HealthProbe {
    public enum Outcome: Sendable, Hashable {
        case good
        case bad(Failure)
    }

    public enum Failure: String, Sendable, CaseIterable {
        /// No connection could be made.
        case connect
        /// No answer in time.
        case timeout
        /// Closed before there was enough of an answer.
        case closed
        /// The answer was not what was asked for, or too long.
        case malformed
        /// An HTTP status that is not among the good ones.
        case status
        /// A gRPC status that is not OK.
        case grpcStatus
        /// By gRPC, anything but `SERVING`.
        case notServing
    }

    /// Bytes of an answer that are read.
    private static let mostBytes = 64 << 10

    let check: EndpointCheck
    /// Where to connect.
    public let address: EndpointAddress
    /// Nanoseconds. When ``timedOut()`` is to be called at the latest.
    public let deadline: UInt64
    private let request: [UInt8]
    public private(set) var outcome: Outcome?
    /// What speaks against the endpoint, where that is a status: of HTTP or gRPC, as the outcome says.
    var status: Int? {
        switch outcome {
        case .bad(.status), .bad(.grpcStatus): answer?.status
        default: nil
        }
    }

    private var answer: (any HealthAnswer)?
    private var byteCount = 0

    init(of check: EndpointCheck, by rule: HealthRule, now: UInt64) {
        self.check = check
        address = rule.address(of: check.endpoint.address)
        deadline = now.addingClamped(rule.timeout)
        request = rule.request(to: check.endpoint.address)
        answer = rule.answer()
    }

    /// - Returns: what to send. Empty where the connection was the answer.
    public func connected() -> [UInt8] {
        if request.isEmpty { end(.good) }
        return request
    }

    /// No connection could be made.
    public func connectFailed() { end(.bad(.connect)) }

    public func received(_ bytes: UnsafeRawBufferPointer) {
        guard outcome == nil else { return }
        byteCount += bytes.count
        guard byteCount <= Self.mostBytes else { return end(.bad(.malformed)) }
        if let verdict = answer?.read(bytes) { end(verdict) }
    }

    /// The endpoint has closed, or the connection failed.
    public func closed() { end(.bad(.closed)) }

    public func timedOut() { end(.bad(.timeout)) }

    private func end(_ outcome: Outcome) {
        if self.outcome == nil { self.outcome = outcome }
    }
}
