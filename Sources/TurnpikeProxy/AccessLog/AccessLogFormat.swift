// SPDX-License-Identifier: Apache-2.0

import TurnpikeProxyCore

/// What a line of the access log can tell of a request. Raw values are the names in it; what a request has nothing of is left
/// out of its line.
public enum AccessLogField: String, Sendable, CaseIterable {
    /// When the head was complete, UTC.
    case time
    case requestID = "requestId"
    /// The trace that upstreams are told of by `traceparent`, 32 hexadecimal digits.
    case traceID = "traceId"
    /// Whom the request comes from, behind proxies that are trusted.
    case remoteAddress
    /// What the client spoke: `http` or `https`, and `HTTP/1.1` or `HTTP/2`.
    case scheme, `protocol`
    case tenant, route
    case key = "keyId"
    /// That was asked for, without its port.
    case host
    case method
    /// As sent, without its query.
    case path
    /// What the client calls itself, cut off at 256 bytes. Not told unless it is asked for: it says much of people.
    case userAgent
    case status, bytesIn, bytesOut
    /// Milliseconds: from the head to the end of the answer, and from handing it to the upstream to the head of its answer.
    case duration = "durationMs"
    case upstreamDuration = "upstreamMs"
    /// Of the last try: the service, its endpoint, and what that answered.
    case service, endpoint, upstreamStatus
    /// Where there was more than one.
    case attempts
    /// Why the gateway answered itself, or what cut the answer short.
    case code, reason
}

/// What the access log tells, and of which requests.
public struct AccessLogFormat: Sendable, Hashable {
    /// Default: ``usual``.
    public var fields: Set<AccessLogField>
    /// The share of the requests that get a line, 0 to 1, chosen by their ids. Whatever the gateway refused, and whatever failed,
    /// gets one in any case. Default 1.
    public var share: Double

    /// All but those that are told only where they are asked for.
    public static let usual = Set(AccessLogField.allCases).subtracting([.userAgent])

    public init(fields: Set<AccessLogField> = usual, share: Double = 1) {
        self.fields = fields
        self.share = share
    }

    func keeps(_ exchange: ExchangeRecord) -> Bool {
        if share >= 1 || exchange.refusal != nil || exchange.detail != nil || exchange.status >= 500 { return true }
        // Ids of one millisecond follow each other: their bits are mixed, so that each stands for itself (the last steps of
        // MurmurHash3).
        var mixed = exchange.requestID.low
        mixed = (mixed ^ mixed >> 33) &* 0xFF51_AFD7_ED55_8CCD
        mixed = (mixed ^ mixed >> 33) &* 0xC4CE_B9FE_1A85_EC53
        return Double((mixed ^ mixed >> 33) >> 11) * 0x1p-53 < share
    }
}
