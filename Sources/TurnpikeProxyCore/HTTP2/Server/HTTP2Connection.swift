// SPDX-License-Identifier: Apache-2.0

/// Whom a connection tells of its streams.
public protocol HTTP2ConnectionUser: AnyObject {
    /// A client begins a request.
    ///
    /// - Returns: who serves it; nil where nobody does, so that the client tries elsewhere.
    func opened(_ stream: HTTP2Stream) -> (any HTTP2StreamUser)?
    /// A request was malformed before anybody served it.
    ///
    /// - Returns: the answer, in HTTP/1.1; nil where there is to be none, and the stream is reset.
    func refused(_ fault: HTTP2Fault) -> [UInt8]?
    /// The connection ends for what the client has done.
    func failed(_ fault: HTTP2ConnectionFault)
}

/// The server's side of one HTTP/2 connection: bytes in, requests and frames out.
///
/// Requests are told to an ``HTTP2StreamUser`` each, as HTTP/1.1. Confined to its loop.
public final class HTTP2Connection: HTTP2Link {
    let requests: HTTP1RequestWriter
    /// Whom it tells of streams: without one, they are refused.
    public weak var user: (any HTTP2ConnectionUser)?

    public init(limits: GatewayLimits, now: UInt64) {
        requests = HTTP1RequestWriter(limit: limits.head.headBytes)
        super.init(
            limits: limits, state: .preface, settings: HTTP2Settings(of: .client), patience: HTTP2Patience(of: .client),
            now: now)
        output.settings(
            HTTP2Settings.ours(of: .server, initialWindow: Self.streamWindow, headBytes: limits.head.headBytes))
        output.windowUpdate(stream: 0, by: Self.connectionWindow - HTTP2Settings.firstWindow)
    }

    /// Those behind it build on it (RFC 9113 §4.3).
    override func takeBlock(
        _ block: UnsafeRawBufferPointer, stream id: UInt32, endsStream: Bool
    ) throws(HTTP2ErrorCode) {
        if id > lastBegun {
            let isTaken = beganStream(id)
            patience.streamBegan()
            requests.begin()
            try decode(block) { self.requests.take($0, $1) }
            if isTaken { try begin(id, endsStream: endsStream) }
        } else {
            requests.beginTrailers()
            try decode(block) { self.requests.takeTrailer($0, $1) }
            try end(id, endsStream: endsStream)
        }
    }

    /// - Returns: whether more streams are taken.
    private func beganStream(_ id: UInt32) -> Bool {
        lastBegun = id
        guard state == .open else { return false }
        lastTaken = id
        return true
    }

    /// A client that takes its leave gets what it asked for before.
    override func peerLeaves(after last: UInt32) {
        if state == .open { state = .closing }
    }

    override func wasted() throws(HTTP2ErrorCode) { try patience.wasteStream(now: now) }

    override func failed(_ code: HTTP2ErrorCode) {
        if let fault = HTTP2ConnectionFault(code) { user?.failed(fault) }
    }
}
