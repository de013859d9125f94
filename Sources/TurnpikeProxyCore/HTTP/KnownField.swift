// SPDX-License-Identifier: Apache-2.0

/// Header fields that the gateway itself understands, recognised once, while parsing.
public enum KnownField: UInt8, Sendable, CaseIterable {
    case other
    case host, connection, contentLength, transferEncoding, expect, upgrade
    case keepAlive, proxyAuthenticate, proxyAuthorization, proxyConnection, te, trailer
    case authorization, xAPIKey
    case xForwardedFor, xForwardedProto, xForwardedHost, forwarded, xRealIP
    case xRequestID, traceparent, tracestate
    case retryAfter, rateLimit, rateLimitPolicy
    case turnpikeMirror, turnpikeDebug

    /// The name in lower case; empty for `other`.
    public var name: StaticString {
        switch self {
        case .other: ""
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
        case .retryAfter: "retry-after"
        case .rateLimit: "ratelimit"
        case .rateLimitPolicy: "ratelimit-policy"
        case .turnpikeMirror: "turnpike-mirror"
        case .turnpikeDebug: "turnpike-debug"
        }
    }

    /// Recognises a field name, in any case. Most names fall out by their length alone.
    public init(_ name: UnsafeRawBufferPointer) {
        switch name.count {
        case 2: self = name.equalsIgnoringCase("te") ? .te : .other
        case 4: self = name.equalsIgnoringCase("host") ? .host : .other
        case 6: self = name.equalsIgnoringCase("expect") ? .expect : .other
        case 7:
            self =
                name.equalsIgnoringCase("upgrade")
                ? .upgrade
                : name.equalsIgnoringCase("trailer")
                    ? .trailer
                    : .other
        case 9:
            self =
                name.equalsIgnoringCase("x-api-key")
                ? .xAPIKey
                : name.equalsIgnoringCase("forwarded")
                    ? .forwarded
                    : name.equalsIgnoringCase("x-real-ip")
                        ? .xRealIP
                        : name.equalsIgnoringCase("ratelimit")
                            ? .rateLimit
                            : .other
        case 10:
            self =
                name.equalsIgnoringCase("connection")
                ? .connection
                : name.equalsIgnoringCase("keep-alive")
                    ? .keepAlive
                    : name.equalsIgnoringCase("tracestate")
                        ? .tracestate
                        : .other
        case 11:
            self =
                name.equalsIgnoringCase("traceparent")
                ? .traceparent
                : name.equalsIgnoringCase("retry-after")
                    ? .retryAfter
                    : .other
        case 12: self = name.equalsIgnoringCase("x-request-id") ? .xRequestID : .other
        case 13: self = name.equalsIgnoringCase("authorization") ? .authorization : .other
        case 14:
            self =
                name.equalsIgnoringCase("content-length")
                ? .contentLength
                : name.equalsIgnoringCase("turnpike-debug")
                    ? .turnpikeDebug
                    : .other
        case 15:
            self =
                name.equalsIgnoringCase("x-forwarded-for")
                ? .xForwardedFor
                : name.equalsIgnoringCase("turnpike-mirror")
                    ? .turnpikeMirror
                    : .other
        case 16:
            self =
                name.equalsIgnoringCase("proxy-connection")
                ? .proxyConnection
                : name.equalsIgnoringCase("x-forwarded-host")
                    ? .xForwardedHost
                    : name.equalsIgnoringCase("ratelimit-policy")
                        ? .rateLimitPolicy
                        : .other
        case 17:
            self =
                name.equalsIgnoringCase("transfer-encoding")
                ? .transferEncoding
                : name.equalsIgnoringCase("x-forwarded-proto")
                    ? .xForwardedProto
                    : .other
        case 18: self = name.equalsIgnoringCase("proxy-authenticate") ? .proxyAuthenticate : .other
        case 19: self = name.equalsIgnoringCase("proxy-authorization") ? .proxyAuthorization : .other
        default: self = .other
        }
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
            .init(.xForwardedFor), .init(.xForwardedProto), .init(.xForwardedHost), .init(.forwarded), .init(.xRealIP),
        ]
    }
}
