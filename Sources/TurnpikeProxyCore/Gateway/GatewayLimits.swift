// SPDX-License-Identifier: Apache-2.0

/// Bounds on what a client may take of the gateway's time and memory. Times in nanoseconds.
public struct GatewayLimits: Sendable, Hashable {
    public var head: HeadLimits
    /// Payload bytes of a request. Default: no bound, since content is streamed.
    public var bodyBytes: UInt64
    /// From the first byte of a head to its last. Default 10 s.
    public var headTimeout: UInt64
    /// Between two pieces of a request's content, and for a client to take any of its answer. Default 60 s.
    public var bodyTimeout: UInt64
    /// Bytes a second that a request's content has to come at, in the long run, so that `bodyTimeout` begins anew; 0: any
    /// byte will do. Default 240.
    public var bodyRate: UInt64
    /// From one request to the next. Default 60 s.
    public var idleTimeout: UInt64
    /// That a request waits for a grant of its quota. Default 100 ms.
    public var leaseWait: UInt64
    /// Requests that wait for grants at once. Default 1,000.
    public var leaseWaiters: Int
    /// Endpoints asked for a connection, one after the other, before a request is refused; where the service says nothing of
    /// retries, also endpoints that could not be reached. Default 4.
    public var upstreamAttempts: Int
    /// Copies of requests for services that watch, at once, from the request's head to the end of the copy's answer. Each may
    /// hold 64 KiB and a head. Default 256.
    public var mirrors: Int

    public init(
        head: HeadLimits = HeadLimits(), bodyBytes: UInt64 = .max, headTimeout: UInt64 = 10_000_000_000,
        bodyTimeout: UInt64 = 60_000_000_000, bodyRate: UInt64 = 240, idleTimeout: UInt64 = 60_000_000_000,
        leaseWait: UInt64 = 100_000_000,
        leaseWaiters: Int = 1000, upstreamAttempts: Int = 4, mirrors: Int = 256
    ) {
        self.head = head
        self.bodyBytes = bodyBytes
        self.headTimeout = headTimeout
        self.bodyTimeout = bodyTimeout
        self.bodyRate = bodyRate
        self.idleTimeout = idleTimeout
        self.leaseWait = leaseWait
        self.leaseWaiters = max(leaseWaiters, 0)
        self.upstreamAttempts = max(upstreamAttempts, 1)
        self.mirrors = max(mirrors, 0)
    }

    /// After the answer to a request that was not read to its end, what still comes is thrown away for so long, so that
    /// the answer is not lost to a reset.
    static let lingerTime: UInt64 = 2_000_000_000
    static let lingerBytes = 1 << 20
    /// Content of a refused request that is read and thrown away to keep the connection.
    static let discardedBodyBytes: UInt64 = 64 << 10
    /// Bytes of a client that are held while they cannot be passed on.
    static let backlogBytes = 64 << 10
    /// Connections that rest in one loop, and what each of their buffers holds on to.
    static let restingConnections = 256
    static let restingBytes = 4 << 10
    /// Content of a request that is kept so that it can be sent once more.
    static let heldContentBytes = 64 << 10
    /// Bytes of answers of the gateway's own in one event, beyond which requests that were sent ahead wait for another.
    static let answerBytes = 64 << 10
    /// From the beginning of a copy to the end of its answer, and how much of that is read so that the connection can be kept.
    static let mirrorTime: UInt64 = 60_000_000_000
    static let mirrorAnswerBytes = 1 << 20
    /// Interim (1xx) answers to one request.
    static let interimAnswers = 16
}
