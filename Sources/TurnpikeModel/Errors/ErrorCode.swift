// SPDX-License-Identifier: Apache-2.0

/// Every reason for which Turnpike refuses something, in one catalogue: REST API, worker stream and gateway answer
/// with the same codes. The raw value is the last part of the problem's `type` and never changes its meaning;
/// `docs/problems.md` has an entry for each.
public enum ErrorCode: String, Sendable, CaseIterable {
    // What the client sent.
    case malformedRequest = "malformed-request"
    case invalidJSON = "invalid-json"
    case invalidYAML = "invalid-yaml"
    case invalidResource = "invalid-resource"
    case invalidParameter = "invalid-parameter"
    case invalidCursor = "invalid-cursor"
    case bodyTooLarge = "body-too-large"
    case uriTooLong = "uri-too-long"
    case headersTooLarge = "headers-too-large"
    case unsupportedMediaType = "unsupported-media-type"
    case methodNotAllowed = "method-not-allowed"
    case methodNotSupported = "method-not-supported"
    case unsupportedExpectation = "unsupported-expectation"
    case unsupportedTransferCoding = "unsupported-transfer-coding"
    case unsupportedHTTPVersion = "unsupported-http-version"
    case requestTimeout = "request-timeout"

    // Who asks.
    case unauthenticated = "unauthenticated"
    case forbidden = "forbidden"

    // What is there.
    case notFound = "not-found"
    case noRoute = "no-route"
    case alreadyExists = "already-exists"
    case stillReferenced = "still-referenced"
    case lastOwner = "last-owner"
    case hostTaken = "host-taken"
    case preconditionFailed = "precondition-failed"
    case changedSince = "changed-since"
    case revisionGone = "revision-gone"
    case idempotencyKeyReused = "idempotency-key-reused"

    // How much is allowed.
    case rateLimited = "rate-limited"
    case quotaExceeded = "quota-exceeded"
    case quotaUnavailable = "quota-unavailable"

    // What failed behind us.
    case noHealthyUpstream = "no-healthy-upstream"
    case upstreamFailed = "upstream-failed"
    case upstreamTimeout = "upstream-timeout"
    case upstreamOverloaded = "upstream-overloaded"
    case overloaded = "overloaded"
    case draining = "draining"
    case notReady = "not-ready"
    case storageFailed = "storage-failed"
    case internalError = "internal-error"

    /// The HTTP status that goes with the code.
    public var status: Int {
        switch self {
        case .malformedRequest, .invalidJSON, .invalidYAML, .invalidParameter, .invalidCursor: 400
        case .unauthenticated: 401
        case .forbidden: 403
        case .notFound, .noRoute: 404
        case .methodNotAllowed: 405
        case .requestTimeout: 408
        case .alreadyExists, .stillReferenced, .lastOwner, .hostTaken, .changedSince: 409
        case .revisionGone: 410
        case .preconditionFailed: 412
        case .bodyTooLarge: 413
        case .uriTooLong: 414
        case .unsupportedMediaType: 415
        case .unsupportedExpectation: 417
        case .invalidResource, .idempotencyKeyReused: 422
        case .rateLimited, .quotaExceeded: 429
        case .headersTooLarge: 431
        case .internalError: 500
        case .methodNotSupported, .unsupportedTransferCoding: 501
        case .upstreamFailed: 502
        case .quotaUnavailable, .noHealthyUpstream, .upstreamOverloaded, .overloaded, .draining, .notReady,
            .storageFailed:
            503
        case .upstreamTimeout: 504
        case .unsupportedHTTPVersion: 505
        }
    }

    /// A short sentence that says what the code means, the same for every occurrence (RFC 9457 `title`).
    public var title: String {
        switch self {
        case .malformedRequest: "The request is not well-formed HTTP"
        case .invalidJSON: "The body is not valid JSON"
        case .invalidYAML: "The body is not valid YAML"
        case .invalidResource: "The resource is not valid"
        case .invalidParameter: "A parameter is not valid"
        case .invalidCursor: "The cursor is not valid"
        case .bodyTooLarge: "The body is too large"
        case .uriTooLong: "The request target is too long"
        case .headersTooLarge: "The request headers are too large"
        case .unsupportedMediaType: "The media type is not supported"
        case .methodNotAllowed: "The method is not allowed here"
        case .methodNotSupported: "The method is not supported"
        case .unsupportedExpectation: "The expectation cannot be met"
        case .unsupportedTransferCoding: "The transfer coding is not supported"
        case .unsupportedHTTPVersion: "The HTTP version is not supported"
        case .requestTimeout: "The request took too long to arrive"
        case .unauthenticated: "Credentials are missing or not valid"
        case .forbidden: "The credentials do not permit this"
        case .notFound: "There is no such resource"
        case .noRoute: "No route matches the request"
        case .alreadyExists: "The name is already taken"
        case .stillReferenced: "Other resources still refer to this one"
        case .lastOwner: "The last owner must stay"
        case .hostTaken: "The host is taken"
        case .preconditionFailed: "The resource has changed in the meantime"
        case .changedSince: "The resource has changed since that revision"
        case .revisionGone: "The log no longer reaches back so far"
        case .idempotencyKeyReused: "The idempotency key stands for another request"
        case .rateLimited: "The rate limit is exceeded"
        case .quotaExceeded: "The quota is used up"
        case .quotaUnavailable: "The quota cannot be checked right now"
        case .noHealthyUpstream: "No upstream is available"
        case .upstreamFailed: "The upstream failed"
        case .upstreamTimeout: "The upstream took too long"
        case .upstreamOverloaded: "The upstream has too much to do"
        case .overloaded: "The server has too much to do"
        case .draining: "The server is shutting down"
        case .notReady: "The server is not ready yet"
        case .storageFailed: "The storage refused the write"
        case .internalError: "Something went wrong on our side"
        }
    }

    /// The stable address of the code's description (RFC 9457 `type`).
    public var type: String { "https://turnpike.dev/problems/\(rawValue)" }
}
