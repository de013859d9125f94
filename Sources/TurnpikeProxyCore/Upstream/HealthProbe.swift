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
        /// Closed before the head of an answer was whole.
        case closed
        /// The answer was not HTTP/1.1, or its head too long.
        case malformed
        /// A status that is not among the good ones.
        case status
    }

    /// Bytes of interim answers and the final one's head that are read.
    private static let mostBytes = 64 << 10

    let check: EndpointCheck
    private let rule: HealthRule
    /// Where to connect.
    public let address: EndpointAddress
    /// Nanoseconds. When ``timedOut()`` is to be called at the latest.
    public let deadline: UInt64
    private let request: [UInt8]
    public private(set) var outcome: Outcome?
    /// Of the final answer.
    private(set) var status: Int?

    private var parser = ResponseParser()
    private var head = ResponseHead()
    private var held: [UInt8] = []
    private var byteCount = 0

    init(of check: EndpointCheck, by rule: HealthRule, now: UInt64) {
        self.check = check
        self.rule = rule
        address = rule.address(of: check.endpoint.address)
        deadline = now.addingClamped(rule.timeout)
        request = rule.request(to: check.endpoint.address)
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
        held.append(contentsOf: bytes)
        while outcome == nil {
            switch held.withUnsafeBytes({ parser.parse($0, answersHead: false, into: &head) }) {
            case .incomplete: return
            case .fault: end(.bad(.malformed))
            case .complete(let length):
                held.removeFirst(length)
                if !head.isInterim { answered(head.status) }
            }
        }
    }

    private func answered(_ status: Int) {
        self.status = status
        end(rule.accepts(status: status) ? .good : .bad(.status))
    }

    /// The endpoint has closed, or the connection failed.
    public func closed() { end(.bad(.closed)) }

    public func timedOut() { end(.bad(.timeout)) }

    private func end(_ outcome: Outcome) {
        if self.outcome == nil { self.outcome = outcome }
    }
}
