// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel

/// A request that the gateway answers itself, and why. Nothing in it tells of other tenants or of upstream addresses.
struct Refusal: Error, Sendable, Hashable {
    var code: ErrorCode
    /// One sentence for the client.
    var detail: String
    var retryAfterSeconds: UInt64?
    var rateLimit: RateLimitFields?
    /// For 401.
    var wwwAuthenticate = false
    /// For 405.
    var allow: String?
    /// Nothing that follows on the connection can be understood.
    var closesConnection = false

    init(_ code: ErrorCode, _ detail: String, retryAfterSeconds: UInt64? = nil) {
        self.code = code
        self.detail = detail
        self.retryAfterSeconds = retryAfterSeconds
    }

    static func malformed(_ fault: HTTPFault) -> Refusal {
        var refusal = Refusal(fault.code, "The request was refused: \(fault.reason).")
        refusal.closesConnection = true
        return refusal
    }

    /// Over HTTP/2, where other streams go on.
    static func malformed(_ fault: HTTP2Fault) -> Refusal {
        Refusal(fault.code, "The request was refused: \(fault.reason).")
    }

    static func unauthenticated(_ detail: String) -> Refusal {
        var refusal = Refusal(.unauthenticated, detail)
        refusal.wwwAuthenticate = true
        return refusal
    }

    static func methodNotAllowed(_ allow: String) -> Refusal {
        var refusal = Refusal(.methodNotAllowed, "The method is not allowed for this path.")
        refusal.allow = allow
        return refusal
    }

    /// - Parameter most: bytes.
    static func contentTooLarge(_ most: UInt64) -> Refusal {
        Refusal(.bodyTooLarge, "The content may have \(most) bytes at most.")
    }

    static func limited(_ code: ErrorCode, _ detail: String, fields: RateLimitFields, retryAfter: UInt64) -> Refusal {
        var refusal = Refusal(code, detail, retryAfterSeconds: retryAfter)
        refusal.rateLimit = fields
        return refusal
    }

    static var notReady: Refusal { Refusal(.notReady, "The gateway has no configuration yet.", retryAfterSeconds: 1) }
    static var overloaded: Refusal {
        Refusal(.overloaded, "The gateway cannot take the request now.", retryAfterSeconds: 1)
    }
    /// - Parameter excess: what the service has as many of as it may.
    static func upstreamOverloaded(_ excess: StaticString) -> Refusal {
        Refusal(
            .upstreamOverloaded, "The service has as many \(excess) as it may have.", retryAfterSeconds: 1)
    }

    static var quotaUnavailable: Refusal {
        Refusal(.quotaUnavailable, "The quota could not be checked in time.", retryAfterSeconds: 1)
    }
    static var noHealthyUpstream: Refusal {
        Refusal(.noHealthyUpstream, "No upstream of the route can be reached.", retryAfterSeconds: 1)
    }
    static var upstreamFailed: Refusal { Refusal(.upstreamFailed, "The upstream failed before it answered.") }
    static var upstreamTimeout: Refusal { Refusal(.upstreamTimeout, "The upstream did not answer in time.") }
    static var requestTimeout: Refusal {
        var refusal = Refusal(.requestTimeout, "The request did not arrive in time.")
        refusal.closesConnection = true
        return refusal
    }
}

extension UInt64 {
    /// Whole seconds, rounded up, of nanoseconds; at least 1, since a client told to wait must wait.
    var wholeSeconds: UInt64 { Swift.max((self + 999_999_999) / 1_000_000_000, 1) }
}
