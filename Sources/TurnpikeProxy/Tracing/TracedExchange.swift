// SPDX-License-Identifier: Apache-2.0

public import TurnpikeProxyCore

/// A request that was traced and is over: all that its spans tell.
public struct TracedExchange: Sendable {
    public var trace: RequestTrace
    public var exchange: ExchangeRecord
    /// As sent.
    public var method: String
    /// As sent, without the query, cut off at 1 KiB.
    public var path: String
    /// When it was over, in nanoseconds since 1970.
    public var endedAt: UInt64

    public init(trace: RequestTrace, exchange: ExchangeRecord, method: String, path: String, endedAt: UInt64) {
        self.trace = trace
        self.exchange = exchange
        self.method = method
        self.path = path
        self.endedAt = endedAt
    }

    /// One for the request, and one for each try at an upstream.
    public var spanCount: Int { 1 + trace.tries.count }
}
