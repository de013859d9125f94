// SPDX-License-Identifier: Apache-2.0

/// One HTTP/2 connection (RFC 9113) from either side, without I/O: what is the same for a server and for a client.
///
/// The transport reports what it receives, whether what is sent finds room, and when ``deadline`` has passed. After its events
/// and those of streams, which may be several, it reports ``eventsEnded(now:)``, sends what ``takeOutput(_:)`` hands out, and closes
/// the connection, all sent, once ``isOver``. Each stream has an ``HTTP2StreamUser``, to whom it is a connection of HTTP/1.1.
///
/// What the other side may waste is bounded: streams at once, bytes that wait to be used, heads, and, by ``HTTP2Patience``, what
/// is taken back or asks for answers.
///
/// Confined to its loop.
public class HTTP2Link {
    /// Streams at once.
    public static let concurrentStreams = 100
    /// Bytes of fields that the other side may refer to again (RFC 7541 §4.2).
    static let headerTable = 4096
    /// Bytes of a stream that may come before they are used.
    static let streamWindow = 256 << 10
    /// The same of all streams together.
    static let connectionWindow = 1 << 20

    enum State { case preface, firstSettings, open, closing, over }

    /// A header block that goes on in the next frame.
    struct OpenBlock {
        let stream: UInt32
        let endsStream: Bool
        var frames = 1
        let deadline: UInt64
    }

    final let limits: GatewayLimits
    /// Without a stream, until it is closed; nanoseconds.
    public final var idleTimeout: UInt64
    final var state: State
    /// Of the transport's clock, as of the present event.
    final var now: UInt64

    // What comes in.
    private let reader = FrameReader()
    final let decoder = HPACKDecoder(tableBytes: headerTable)
    final var openBlock: OpenBlock?
    final var block: [UInt8] = []
    /// Content as HTTP/1.1 has it.
    final let framed = ByteStage()
    final var patience: HTTP2Patience
    /// What the other side may still send of content, and what was used of it without having told.
    final var receiveWindow = connectionWindow
    final var credit = 0

    // Streams.
    final var streams: [UInt32: HTTP2Flow] = [:]
    /// The last of the other side's that was taken; none in a client, to whom nothing may be pushed.
    final var lastTaken: UInt32 = 0
    /// The last one that the client has begun.
    final var lastBegun: UInt32 = 0
    /// Since when there is none; nil within the events in which the last one ended: only their end tells the time.
    private var idleSince: UInt64?
    private let startedAt: UInt64
    private var saidGoodbye = false

    // What goes out.
    final let output = FrameOutput()
    final var settings: HTTP2Settings
    final var sendWindow = HTTP2Settings.firstWindow
    final var isWritable = true
    final var hasSentBlock = false
    final let names = ByteStage()
    /// Streams that have content to send and a window of their own, in turn.
    final var ready: [UInt32] = []
    /// Streams whose users are to be told something once none of them is within an event.
    final var waiting: [HTTP2Flow] = []

    init(limits: GatewayLimits, state: State, settings: HTTP2Settings, patience: HTTP2Patience, now: UInt64) {
        self.limits = limits
        idleTimeout = limits.idleTimeout
        self.state = state
        self.settings = settings
        self.patience = patience
        self.now = now
        startedAt = now
        idleSince = now
    }

    /// All that was to be said is in the output, and nothing more is read.
    public final var isOver: Bool { state == .over }

    /// Hands out the frames that are to be sent; there may be more once these have found room.
    public final func takeOutput(_ body: (UnsafeRawBufferPointer) -> Void) { output.take(body) }

    /// Whether there is something to send; after ``takeOutput(_:)``, whether more finds room, which ``eventsEnded(now:)`` then
    /// puts into frames.
    public final var hasOutput: Bool { output.count > 0 || mayGather && !ready.isEmpty }

    // MARK: - Events

    public final func received(_ bytes: UnsafeRawBufferPointer, now: UInt64) {
        self.now = now
        heard()
        do throws(HTTP2ErrorCode) {
            var rest = bytes
            while !rest.isEmpty, state != .over { try readFrame(&rest) }
        } catch {
            fail(error)
        }
    }

    /// Whether what is sent finds room.
    public final func writability(_ isWritable: Bool, now: UInt64) {
        self.now = now
        self.isWritable = isWritable
    }

    /// Nothing more comes for now: what streams could not be told within an event they are told, and what waits is sent as far as
    /// it finds room.
    public final func eventsEnded(now: UInt64) {
        self.now = now
        while let stream = waiting.popLast() { stream.tell() }
        beginWaiting()
        sendReady()
        if streams.isEmpty, idleSince == nil { idleSince = now }
        streamsSettled()
        settle()
    }

    /// The other side is gone.
    public final func lost() {
        state = .over
        abandonStreams()
    }

    /// Takes no more streams, and is over with the last of those there are (RFC 9113 §6.8).
    public final func drain(now: UInt64) {
        self.now = now
        sayGoodbye(.noError)
    }

    // MARK: - Time

    /// When ``timerFired(now:)`` is to be called.
    public final var deadline: UInt64 { min(ownDeadline, silenceDeadline) }

    private var ownDeadline: UInt64 {
        switch state {
        case .preface, .firstSettings: startedAt + limits.headTimeout
        case .over: .max
        case .open, .closing:
            min(openBlock?.deadline ?? .max, streams.isEmpty ? (idleSince ?? now).addingClamped(idleTimeout) : .max)
        }
    }

    /// ``deadline`` has passed. May come early: then nothing happens.
    public final func timerFired(now: UInt64) {
        self.now = now
        if now >= silenceDeadline { silenceLasts() }
        guard now >= ownDeadline else { return }
        fail(openBlock == nil ? .noError : .enhanceYourCalm)
    }

    // MARK: - Frames

    private func readFrame(_ rest: inout UnsafeRawBufferPointer) throws(HTTP2ErrorCode) {
        if state == .preface {
            if try reader.readPreface(&rest) { state = .firstSettings }
        } else {
            try reader.read(&rest) { header, payload throws(HTTP2ErrorCode) in try take(header, payload) }
        }
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
        // A client has nothing to push, and a server was told not to (RFC 9113 §8.4).
        case .pushPromise: throw .protocolError
        case nil: try patience.idleFrame(now: now)
        }
    }

    // MARK: - What the sides do each in their way

    /// A whole header block, which is to be decoded whatever becomes of it.
    func takeBlock(_ block: UnsafeRawBufferPointer, stream: UInt32, endsStream: Bool) throws(HTTP2ErrorCode) {}

    /// The other side takes its leave.
    ///
    /// - Parameter last: the last stream that it has looked at, or will.
    func peerLeaves(after last: UInt32) {}

    /// A stream has come to nothing by what the other side did.
    func wasted() throws(HTTP2ErrorCode) {}

    /// The connection ends, for a fault of the other side's unless it says none.
    func failed(_ code: HTTP2ErrorCode) {}

    /// Begins streams that wait for room.
    func beginWaiting() {}

    /// There are as many streams as there will be until the next event.
    func streamsSettled() {}

    /// Something has come.
    func heard() {}

    /// When the other side's silence is to be looked at.
    var silenceDeadline: UInt64 { .max }

    /// It has passed.
    func silenceLasts() {}

    // MARK: - Ends

    /// Ends the connection, for a fault of the other side's unless it says none.
    final func fail(_ code: HTTP2ErrorCode) {
        guard state != .over else { return }
        state = .over
        output.goAway(last: lastTaken, code)
        failed(code)
        abandonStreams()
    }

    /// Nobody hears of the streams any more.
    func abandonStreams() {
        let abandoned = streams
        streams = [:]
        ready = []
        for stream in abandoned.values { stream.lost() }
        // They hold their connection, and nobody may ask for them any more, but for what came before.
        waiting.removeAll { $0.isClosed }
    }

    /// Takes no more streams.
    private func sayGoodbye(_ code: HTTP2ErrorCode) {
        guard state != .over, !saidGoodbye else { return }
        saidGoodbye = true
        output.goAway(last: lastTaken, code)
        state = .closing
    }

    private func settle() {
        if state == .closing, streams.isEmpty, openBlock == nil {
            sayGoodbye(.noError)
            state = .over
        }
    }

    /// A stream has ended on both sides, or was reset.
    final func forget(_ stream: HTTP2Flow) {
        streams[stream.id] = nil
        if stream.isQueued { ready.removeAll { $0 == stream.id } }
        if streams.isEmpty { idleSince = nil }
    }

    /// A stream that did not come to be was the only one.
    final func restartIdling() { if streams.isEmpty { idleSince = now } }
}
