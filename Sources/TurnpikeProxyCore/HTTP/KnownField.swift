// SPDX-License-Identifier: Apache-2.0

/// Header fields that the gateway itself understands, recognised once, while parsing.
public enum KnownField: UInt8, Sendable, CaseIterable, BitwiseCopyable {
    case other
    case host, connection, contentLength, transferEncoding, expect, upgrade
    case keepAlive, proxyAuthenticate, proxyAuthorization, proxyConnection, te, trailer
    case authorization, xAPIKey
    case xForwardedFor, xForwardedProto, xForwardedHost, forwarded, xRealIP
    case xRequestID, traceparent, tracestate
    case date, retryAfter, rateLimit, rateLimitPolicy
    /// No field of HTTP's: CGI makes the variable `HTTP_PROXY` of it, and programs would go by the proxy that a client has named.
    case proxy
    case turnpikeMirror, turnpikeDebug
    /// Beginning with `X-Forwarded-`, and none of those above.
    case otherXForwarded
    /// One of those above, were its `_` dashes: which is how CGI and all that came of it read names (RFC 3875 §4.1.18).
    case lookalike

    /// The name in lower case; empty for what has none of its own.
    public var name: StaticString {
        switch self {
        case .other, .otherXForwarded, .lookalike: ""
        case .host: "host"
        case .connection: "connection"
        case .contentLength: "content-length"
        case .transferEncoding: "transfer-encoding"
        case .expect: "expect"
        case .upgrade: "upgrade"
        case .keepAlive: "keep-alive"
        case .proxyAuthenticate: "proxy-authenticate"
        case .proxyAuthorization: "proxy-authorization"
        case .proxyConnection: "proxy-connection"
        case .te: "te"
        case .trailer: "trailer"
        case .authorization: "authorization"
        case .xAPIKey: "x-api-key"
        case .xForwardedFor: "x-forwarded-for"
        case .xForwardedProto: "x-forwarded-proto"
        case .xForwardedHost: "x-forwarded-host"
        case .forwarded: "forwarded"
        case .xRealIP: "x-real-ip"
        case .xRequestID: "x-request-id"
        case .traceparent: "traceparent"
        case .tracestate: "tracestate"
        case .date: "date"
        case .retryAfter: "retry-after"
        case .rateLimit: "ratelimit"
        case .rateLimitPolicy: "ratelimit-policy"
        case .proxy: "proxy"
        case .turnpikeMirror: "turnpike-mirror"
        case .turnpikeDebug: "turnpike-debug"
        }
    }

    /// Recognises a field name, in any case. Most names fall out by their length alone.
    @inline(__always)
    init(_ name: UnsafeRawBufferPointer) {
        let ends = TextEnds(name)
        self =
            switch name.count {
            case 2: ends.spell("te") ? .te : .other
            case 4: ends.spell("host") ? .host : ends.spell("date") ? .date : .other
            case 5: ends.spell("proxy") ? .proxy : .other
            case 6: ends.spell("expect") ? .expect : .other
            case 7: ends.spell("upgrade") ? .upgrade : ends.spell("trailer") ? .trailer : .other
            case 9: Self.ofNine(ends)
            case 10: Self.ofTen(ends)
            case 11: ends.spell("traceparent") ? .traceparent : ends.spell("retry-after") ? .retryAfter : .other
            case 12: ends.spell("x-request-id") ? .xRequestID : .other
            case 13: ends.spell("authorization") ? .authorization : .other
            case 14:
                ends.spell("content-length")
                    ? .contentLength : ends.spell("turnpike-debug") ? .turnpikeDebug : .other
            case 15:
                ends.spell("x-forwarded-for")
                    ? .xForwardedFor : ends.spell("turnpike-mirror") ? .turnpikeMirror : .other
            case 16: Self.ofSixteen(ends)
            case 17...19: Self.longer(name)
            default: .other
            }
    }

    private static func ofNine(_ ends: TextEnds) -> KnownField {
        if ends.spell("x-api-key") { return .xAPIKey }
        if ends.spell("forwarded") { return .forwarded }
        if ends.spell("x-real-ip") { return .xRealIP }
        return ends.spell("ratelimit") ? .rateLimit : .other
    }

    private static func ofTen(_ ends: TextEnds) -> KnownField {
        if ends.spell("connection") { return .connection }
        if ends.spell("keep-alive") { return .keepAlive }
        return ends.spell("tracestate") ? .tracestate : .other
    }

    private static func ofSixteen(_ ends: TextEnds) -> KnownField {
        if ends.spell("proxy-connection") { return .proxyConnection }
        if ends.spell("x-forwarded-host") { return .xForwardedHost }
        return ends.spell("ratelimit-policy") ? .rateLimitPolicy : .other
    }

    /// Names whose ends do not say all of them.
    private static func longer(_ name: UnsafeRawBufferPointer) -> KnownField {
        if name.equalsIgnoringCase("transfer-encoding") { return .transferEncoding }
        if name.equalsIgnoringCase("x-forwarded-proto") { return .xForwardedProto }
        if name.equalsIgnoringCase("proxy-authenticate") { return .proxyAuthenticate }
        return name.equalsIgnoringCase("proxy-authorization") ? .proxyAuthorization : .other
    }
}

/// A set of known fields, one bit each.
public struct KnownFieldSet: OptionSet, Sendable {
    public let rawValue: UInt64

    @inlinable
    public init(rawValue: UInt64) { self.rawValue = rawValue }

    @inlinable
    public init(_ field: KnownField) { rawValue = 1 &<< UInt64(field.rawValue) }

    @inlinable
    public func has(_ field: KnownField) -> Bool { contains(KnownFieldSet(field)) }

    public static let authorization = KnownFieldSet(.authorization)
    public static let xAPIKey = KnownFieldSet(.xAPIKey)
    public static let expect = KnownFieldSet(.expect)
    public static let turnpikeMirror = KnownFieldSet(.turnpikeMirror)
    public static let turnpikeDebug = KnownFieldSet(.turnpikeDebug)

    /// What belongs to one connection and never crosses a gateway (RFC 9110 §7.6.1), but for Transfer-Encoding, which
    /// the writers decide by the framing.
    static var hopByHop: KnownFieldSet {
        [
            .init(.connection), .init(.keepAlive), .init(.proxyAuthenticate), .init(.proxyAuthorization),
            .init(.proxyConnection), .init(.te), .init(.trailer), .init(.upgrade),
        ]
    }

    /// What tells a service who sent the request and how: believed only from trusted peers.
    static var forwarding: KnownFieldSet {
        [
            .init(.xForwardedFor), .init(.xForwardedProto), .init(.xForwardedHost), .init(.otherXForwarded),
            .init(.forwarded), .init(.xRealIP),
        ]
    }
}
