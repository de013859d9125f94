// SPDX-License-Identifier: Apache-2.0

/// What the spans of one traced request tell beyond its ``ExchangeRecord``. Exists for these requests only.
///
/// It holds nothing that a client may keep secret: no field but the host that was asked for, and no query.
public struct RequestTrace: Sendable {
    /// What the client spoke, as `network.protocol.version` has it.
    public enum ProtocolVersion: String, Sendable {
        case http10 = "1.0"
        case http11 = "1.1"
        case http2 = "2"
    }

    /// One sending of the request to an endpoint, from choosing a connection until that is given back or lost.
    public struct Try: Sendable {
        /// The span's id, which the endpoint gets in `traceparent`.
        public let span: UInt64
        public let service: String
        public let endpoint: EndpointAddress
        /// Whether the connection had served a request before.
        public let isReused: Bool
        /// Nanoseconds of the gateway's clock.
        public let startedAt: UInt64
        public internal(set) var endedAt: UInt64?
        /// What the endpoint answered.
        public internal(set) var status: Int?
        /// What went wrong, in one word: an ``UpstreamFailure``, or `stale` for an idle connection that turned out to be closed.
        public internal(set) var failure: String?
    }

    /// The trace's 16 bytes.
    public let traceHigh: UInt64
    public let traceLow: UInt64
    /// The id of the request's own span.
    public let span: UInt64
    /// The span that the client named as the request's parent; nil where the trace begins here.
    public let parent: UInt64?
    /// Of the `traceparent` that upstreams get: always sampled.
    let flags: UInt8

    public let version: ProtocolVersion
    public let scheme: RequestForwarding.Scheme
    /// The host that was asked for, without port, cut off at 255 bytes; empty where none was named.
    public let host: String
    public let port: UInt16?
    /// The client's address, as `X-Forwarded-For` has it.
    public let client: String
    /// The path that upstreams get, without the query, cut off at 1 KiB; nil as long as the request was not sent.
    public internal(set) var upstreamPath: String?
    public internal(set) var tries: [Try] = []
    /// The answer was not finished.
    public internal(set) var wasCutShort = false
    /// Nanoseconds of the gateway's clock, when the request's head was complete.
    public let startedAt: UInt64

    static let pathBytes = 1024
    private static let hostBytes = 255

    init(
        _ trace: TraceParent, parent: UInt64?, span: UInt64, _ head: RequestHead, _ bytes: UnsafeRawBufferPointer,
        from client: ClientAddress, over scheme: RequestForwarding.Scheme, isHTTP2: Bool, now: UInt64
    ) {
        traceHigh = trace.traceHigh
        traceLow = trace.traceLow
        self.span = span
        self.parent = parent
        flags = trace.flags | TraceParent.sampled
        version = isHTTP2 ? .http2 : head.minorVersion == 0 ? .http10 : .http11
        self.scheme = scheme
        host = String(decoding: bytes[head.host].prefix(Self.hostBytes), as: UTF8.self)
        port = head.port
        self.client = String(decoding: client.text, as: UTF8.self)
        startedAt = now
    }

    /// What upstreams get until a try writes its own id into it.
    var context: TraceParent {
        TraceParent(traceHigh: traceHigh, traceLow: traceLow, parent: span, flags: flags)
    }
}

/// Keeps the trace of a request that is under way: the requests that are not traced, nearly all, pay for one reference.
final class TraceRecording {
    private(set) var trace: RequestTrace

    init(_ trace: RequestTrace) { self.trace = trace }

    /// There are at most as many as a service's retries allow, and few of them on connections that turn out to be closed.
    func beginTry(_ attempt: RequestTrace.Try) { trace.tries.append(attempt) }

    /// The id of the try that is under way.
    var trySpan: UInt64 { trace.tries.last?.span ?? trace.span }

    func sends(path: @autoclosure () -> String) {
        if trace.upstreamPath == nil { trace.upstreamPath = path() }
    }

    func answered(_ status: Int) { change { $0.status = status } }

    /// The first failure of a try is what made it fail.
    func failed(_ failure: String) { change { $0.failure = $0.failure ?? failure } }

    func endTry(at now: UInt64) { change { $0.endedAt = now } }

    func cutShort() { trace.wasCutShort = true }

    /// Of a try that has ended nothing is changed any more.
    private func change(_ body: (inout RequestTrace.Try) -> Void) {
        guard let last = trace.tries.indices.last, trace.tries[last].endedAt == nil else { return }
        body(&trace.tries[last])
    }
}
