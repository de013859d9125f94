// SPDX-License-Identifier: Apache-2.0

public import TurnpikeModel

/// What became of one request, told when it is over: for the access log and the metrics.
public struct ExchangeRecord: Sendable {
    public var requestID: RequestID
    /// When its head was complete.
    public var receivedAt: Timestamp
    /// Nil where no route was found.
    public var route: GatewayRoute?
    /// The key, where there was a valid one.
    public var key: ResourceID?
    /// The status that the client got; 499 where it left before there was one.
    public var status: Int
    /// Heads and content; of a tunnel, which has status 101, all that went through it.
    public var bytesIn: Int64
    public var bytesOut: Int64
    /// Nanoseconds from the complete head to the end of the answer.
    public var duration: UInt64
    /// Nanoseconds from handing the request to an upstream to the head of its answer.
    public var upstreamDuration: UInt64?
    /// What the upstream answered.
    public var upstreamStatus: Int?
    /// Why the gateway answered itself.
    public var refusal: ErrorCode?
    /// In words; of a refusal or of an answer cut short.
    public var detail: String?
    /// Connections to upstreams that the request was tried on: 1, and more where some were stale, failed or answered what is
    /// tried again.
    public var attempts: Int
    public var admitted: Bool
    /// Nil where the observer does not ask for them.
    public var parties: ExchangeParties?

    public var statusClass: UInt8 { Self.statusClass(of: status) }

    static func statusClass(of status: Int) -> UInt8 { UInt8(clamping: max(1, min(status / 100, 5))) }
}

/// Between whom a request was exchanged.
public struct ExchangeParties: Sendable {
    /// Behind proxies that are trusted.
    public var client: ClientAddress
    /// What the client spoke.
    public var scheme: RequestForwarding.Scheme
    public var speaksHTTP2: Bool
    /// The trace that upstreams are told of: the client's where its `traceparent` is valid, else one of the gateway's making;
    /// nil where the request had none and was not sent.
    public var trace: TraceParent?
    /// Of the last try.
    public var service: String?
    public var endpoint: EndpointAddress?
    /// What the client calls itself (`User-Agent`), cut off at 256 bytes, which are whatever it has sent; nil where it does not say, or
    /// the observer does not ask for it.
    public var agent: [UInt8]?
}

/// Who watches a gateway. Called on the loop's thread: must neither block nor wait.
public protocol GatewayObserver: AnyObject {
    /// Whether it wants to be told of ``ExchangeRecord/parties``, which costs something for each request. Asked once.
    var wantsParties: Bool { get }
    /// Whether it wants to be told of ``ExchangeParties/agent`` too. Asked once. Default: no.
    var wantsAgent: Bool { get }
    /// - Parameters:
    ///   - method: as sent; empty where the request could not be read.
    ///   - path: as sent, without query, cut off at 1 KiB.
    ///   - host: that was asked for, without port, at most 255 bytes; empty where there was none, or the observer does not ask for
    ///     the parties. All three are valid during the call only.
    func answered(
        _ exchange: ExchangeRecord, method: UnsafeRawBufferPointer, path: UnsafeRawBufferPointer,
        host: UnsafeRawBufferPointer
    )
    /// The request was traced. Follows `answered`, of the same request.
    func traced(
        _ trace: RequestTrace, of exchange: ExchangeRecord, method: UnsafeRawBufferPointer, path: UnsafeRawBufferPointer
    )
    /// An attempt at an upstream failed.
    func upstreamFailed(_ failure: UpstreamFailure, route: GatewayRoute, service: String)
    /// An endpoint of the service was taken out for a while, for what it answered.
    func endpointEjected(route: GatewayRoute, service: String)
    /// A copy of a request, for a service that watches, has come to this.
    func mirrored(_ outcome: MirrorOutcome, route: GatewayRoute, service: String)
    /// An endpoint is another than before in its service's checks.
    func healthChanged(_ change: HealthChange)
    /// The endpoints of a service that is checked, whenever that is another count than before; all zero once it is not checked
    /// any more.
    func endpointsCounted(_ count: HealthCount)
    /// A name was looked up.
    func lookedUp(isAnswered: Bool)
    /// A request waited for a lease.
    func leaseWaitEnded(_ outcome: LeaseWaitOutcome)
}

extension GatewayObserver {
    public var wantsAgent: Bool { false }
}

public enum UpstreamFailure: String, Sendable, CaseIterable {
    /// No connection could be made.
    case connect
    case connectTimeout = "connect_timeout"
    /// It closed before its answer was whole.
    case closed
    /// Its answer was not HTTP/1.1.
    case malformed
    /// Its answer did not come in time.
    case timeout
    /// It answered with a status for which the service's retries try again, and that was done.
    case status

    /// Whether the upstream cannot have seen anything of the request.
    var isUnsent: Bool { self == .connect || self == .connectTimeout }
}

public enum LeaseWaitOutcome: String, Sendable, CaseIterable { case granted, refused, timeout, overloaded, abandoned }
