// SPDX-License-Identifier: Apache-2.0

/// Whom a connection tells of its streams.
public protocol HTTP2ConnectionUser: AnyObject {
    /// A client begins a request.
    ///
    /// - Returns: who serves it; nil where nobody does, so that the client tries elsewhere.
    func opened(_ stream: HTTP2Stream) -> (any HTTP2StreamUser)?
}

/// The server's side of one HTTP/2 connection (RFC 9113), without I/O: bytes in, requests and frames out.
///
/// The transport reports what it receives, whether what is sent finds room, and when ``deadline`` has passed. After its events
/// and those of streams, which may be several, it reports ``eventsEnded(now:)``, sends what ``takeOutput(_:)`` hands out, and closes
/// the connection, all sent, once ``isOver``. Requests are told to a ``HTTP2StreamUser`` each, as HTTP/1.1.
///
/// What a client may waste is bounded: streams at once, bytes that wait to be used, heads, and, by ``HTTP2Patience``, what is
/// taken back or asks for answers.
///
/// Confined to its loop.
public final class HTTP2Connection {
    /// Streams at once.
    public static let concurrentStreams = 100
    /// Bytes of fields that a client may refer to again (RFC 7541 §4.2).
    private static let headerTable = 4096
    /// Bytes of a stream that may come before they are used.
    static let streamWindow = 256 << 10
    /// The same of all streams together.
    static let connectionWindow = 1 << 20

    private enum State { case preface, firstSettings, open, closing, over }

    /// A header block that goes on in the next frame.
    struct OpenBlock {
        let stream: UInt32
        let endsStream: Bool
        var frames = 1
        let deadline: UInt64
    }

    let limits: GatewayLimits
    /// Whom it tells of streams: without one, they are refused.
    public weak var user: (any HTTP2ConnectionUser)?
    private var state = State.preface
    /// Of the transport's clock, as of the present event.
    var now: UInt64

    // What comes in.
    /// A frame that came in part.
    private var partial: [UInt8] = []
    let decoder = HPACKDecoder(tableBytes: headerTable)
    let requests: HTTP1RequestWriter
    var openBlock: OpenBlock?
    var block: [UInt8] = []
    /// Content as HTTP/1.1 has it.
    let framed = ByteStage()
    var patience = HTTP2Patience()
    /// What the client may still send of content, and what was used of it without having told the client.
    var receiveWindow = connectionWindow
    var credit = 0

    // Streams.
    var streams: [UInt32: HTTP2Stream] = [:]
    /// The last one that was taken, and the last one that the client has begun.
    private var lastTaken: UInt32 = 0
    var lastBegun: UInt32 = 0
    /// Since when there is none; nil within the events in which the last one ended: only their end tells the time.
    var idleSince: UInt64?
    private var saidGoodbye = false

    // What goes out.
    let output = FrameOutput()
    var settings = HTTP2Settings()
    var sendWindow = HTTP2Settings.firstWindow
    var isWritable = true
    var hasSentBlock = false
    let names = ByteStage()
    /// Streams that have content to send and a window of their own, in turn.
    var ready: [UInt32] = []
    /// Streams whose users are to be told something once none of them is within an event.
    var waiting: [HTTP2Stream] = []

    public init(limits: GatewayLimits, now: UInt64) {
        self.limits = limits
        self.now = now
        idleSince = now
        requests = HTTP1RequestWriter(limit: limits.head.headBytes)
        output.settings(
            HTTP2Settings.ours(
                headerTable: Self.headerTable, concurrentStreams: Self.concurrentStreams,
                initialWindow: Self.streamWindow, headBytes: limits.head.headBytes))
        output.windowUpdate(stream: 0, by: Self.connectionWindow - HTTP2Settings.firstWindow)
    }

    /// All that was to be said is in the output, and nothing more is read.
    public var isOver: Bool { state == .over }

    /// Hands out the frames that are to be sent; there may be more once these have found room.
    public func takeOutput(_ body: (UnsafeRawBufferPointer) -> Void) { output.take(body) }

    /// Whether there is something to send; after ``takeOutput(_:)``, whether more finds room, which ``eventsEnded(now:)`` then
    /// puts into frames.
    public var hasOutput: Bool { output.count > 0 || mayGather && !ready.isEmpty }

    // MARK: - Events

    public func received(_ bytes: UnsafeRawBufferPointer, now: UInt64) {
        self.now = now
        do throws(HTTP2ErrorCode) {
            var rest = bytes
            while !rest.isEmpty, state != .over { try readFrame(&rest) }
        } catch {
            fail(error)
        }
    }

    /// Whether what is sent finds room.
    public func writability(_ isWritable: Bool, now: UInt64) {
        self.now = now
        self.isWritable = isWritable
    }

    /// Nothing more comes for now: what streams could not be told within an event they are told, and what waits is sent as far as
    /// it finds room.
    public func eventsEnded(now: UInt64) {
        self.now = now
        while let stream = waiting.popLast() { stream.tell() }
        sendReady()
        if streams.isEmpty, idleSince == nil { idleSince = now }
        settle()
    }

    /// The client is gone.
    public func lost() {
        state = .over
        abandonStreams()
    }

    /// Takes no more streams, and is over with the last of those there are (RFC 9113 §6.8).
    public func drain(now: UInt64) {
        self.now = now
        sayGoodbye(.noError)
    }

    // MARK: - Time

    /// When ``timerFired(now:)`` is to be called.
    public var deadline: UInt64 {
        let idleSince = idleSince ?? now
        return switch state {
        case .preface, .firstSettings: idleSince + limits.headTimeout
        case .over: .max
        case .open, .closing:
            min(openBlock?.deadline ?? .max, streams.isEmpty ? idleSince + limits.idleTimeout : .max)
        }
    }

    /// ``deadline`` has passed. May come early: then nothing happens.
    public func timerFired(now: UInt64) {
        self.now = now
        guard now >= deadline else { return }
        fail(openBlock == nil ? .noError : .enhanceYourCalm)
    }

    // MARK: - Frames

    /// Reads one frame from the front of what came, or keeps what there is of it.
    private func readFrame(_ rest: inout UnsafeRawBufferPointer) throws(HTTP2ErrorCode) {
        if state == .preface { return try readPreface(&rest) }
        guard partial.isEmpty else { return try readPartialFrame(&rest) }
        guard rest.count >= FrameHeader.byteCount else { return keep(&rest, rest.count) }
        let header = FrameHeader(rest)
        guard header.length <= FrameHeader.mostPayload else { throw .frameSizeError }
        let end = FrameHeader.byteCount + header.length
        guard rest.count >= end else { return keep(&rest, rest.count) }
        let payload = UnsafeRawBufferPointer(rebasing: rest[FrameHeader.byteCount..<end])
        rest = UnsafeRawBufferPointer(rebasing: rest[end...])
        try take(header, payload)
    }

    /// Completes the frame that came in part with no more than it takes.
    private func readPartialFrame(_ rest: inout UnsafeRawBufferPointer) throws(HTTP2ErrorCode) {
        keep(&rest, FrameHeader.byteCount - partial.count)
        guard partial.count >= FrameHeader.byteCount else { return }
        let header = partial.withUnsafeBytes { FrameHeader($0) }
        guard header.length <= FrameHeader.mostPayload else { throw .frameSizeError }
        keep(&rest, FrameHeader.byteCount + header.length - partial.count)
        guard partial.count == FrameHeader.byteCount + header.length else { return }
        let whole = partial
        partial = []
        try whole.withBytes { bytes throws(HTTP2ErrorCode) in
            try take(header, UnsafeRawBufferPointer(rebasing: bytes[FrameHeader.byteCount...]))
        }
    }

    private func keep(_ rest: inout UnsafeRawBufferPointer, _ count: Int) {
        guard count > 0 else { return }
        let piece = rest.prefix(count)
        partial.append(contentsOf: piece)
        rest = UnsafeRawBufferPointer(rebasing: rest[piece.count...])
    }

    private func readPreface(_ rest: inout UnsafeRawBufferPointer) throws(HTTP2ErrorCode) {
        keep(&rest, HTTP2Preface.text.utf8CodeUnitCount - partial.count)
        let expected = UnsafeRawBufferPointer(start: HTTP2Preface.text.utf8Start, count: partial.count)
        guard partial.elementsEqual(expected) else { throw .protocolError }
        guard partial.count == HTTP2Preface.text.utf8CodeUnitCount else { return }
        partial = []
        state = .firstSettings
    }

    private func take(_ header: FrameHeader, _ payload: UnsafeRawBufferPointer) throws(HTTP2ErrorCode) {
        let kind = FrameKind(rawValue: header.kind)
        if state == .firstSettings {
            guard kind == .settings, !header.flags.contains(.acknowledges) else { throw .protocolError }
            state = .open
        }
        // Nothing may come within a header block (RFC 9113 §6.10).
        if let openBlock, kind != .continuation || header.stream != openBlock.stream { throw .protocolError }
        switch kind {
        case .data: try takeData(header, payload)
        case .headers: try takeHeaders(header, payload)
        case .continuation: try takeContinuation(header, payload)
        case .resetStream: try takeReset(header, payload)
        case .windowUpdate: try takeWindowUpdate(header, payload)
        case .settings: try takeSettings(header, payload)
        case .ping: try takePing(header, payload)
        case .goAway: try takeGoAway(header, payload)
        case .priority: try takePriority(header, payload)
        // A client has nothing to push (RFC 9113 §8.4).
        case .pushPromise: throw .protocolError
        case nil: try patience.idleFrame(now: now)
        }
    }

    // MARK: - Ends

    /// Ends the connection, for a fault of the client's unless it says none.
    private func fail(_ code: HTTP2ErrorCode) {
        guard state != .over else { return }
        state = .over
        output.goAway(last: lastTaken, code)
        abandonStreams()
    }

    private func abandonStreams() {
        let abandoned = streams
        streams = [:]
        ready = []
        for stream in abandoned.values { stream.lost() }
        // They hold their connection, and nobody may ask for them any more.
        waiting = []
    }

    /// Takes no more streams.
    func sayGoodbye(_ code: HTTP2ErrorCode) {
        guard state != .over, !saidGoodbye else { return }
        saidGoodbye = true
        output.goAway(last: lastTaken, code)
        state = .closing
    }

    /// The client takes its leave, and gets what it asked for before.
    func clientLeaves() {
        if state == .open { state = .closing }
    }

    /// The client begins a stream.
    ///
    /// - Returns: whether more of them are taken.
    func beganStream(_ id: UInt32) -> Bool {
        lastBegun = id
        guard state == .open else { return false }
        lastTaken = id
        return true
    }

    private func settle() {
        if state == .closing, streams.isEmpty, openBlock == nil {
            sayGoodbye(.noError)
            state = .over
        }
    }

    /// A stream has ended on both sides, or was reset.
    func forget(_ stream: HTTP2Stream) {
        streams[stream.id] = nil
        if stream.isQueued { ready.removeAll { $0 == stream.id } }
        if streams.isEmpty { idleSince = nil }
    }
}

extension [UInt8] {
    /// As `withUnsafeBytes`, which forgets what `body` throws.
    func withBytes(
        _ body: (UnsafeRawBufferPointer) throws(HTTP2ErrorCode) -> Void
    ) throws(HTTP2ErrorCode) {
        let outcome = withUnsafeBytes { bytes in Result { () throws(HTTP2ErrorCode) in try body(bytes) } }
        try outcome.get()
    }
}
