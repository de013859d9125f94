// SPDX-License-Identifier: Apache-2.0

/// The client's side of one HTTP/2 connection, to an upstream: requests in, bytes and answers out.
///
/// Streams are begun as room for them is; until the upstream has said how many it takes (RFC 9113 §6.5.2), only one is, so that
/// the first request need not wait for that. Confined to its loop.
public final class HTTP2UpstreamConnection: HTTP2Link {
    /// Streams have no numbers beyond (RFC 9113 §5.1.1).
    private static let lastNumber: UInt32 = 0x7FFF_FFFF

    private let scheme: String
    /// Streams that are not begun, in the order in which they came.
    private var unbegun: [HTTP2UpstreamStream] = []
    private var takesMore = true
    private var silence: HTTP2SilenceWatch

    /// - Parameters:
    ///   - isSecure: over TLS.
    ///   - limits: of requests as the gateway takes them, and of answers.
    ///   - idleTimeout: without a stream, until it is closed; nanoseconds.
    ///   - silence: how long the upstream may say nothing.
    public init(
        isSecure: Bool, limits: HeadLimits, idleTimeout: UInt64 = 60_000_000_000,
        silence: HTTP2Silence = HTTP2Silence(), now: UInt64
    ) {
        scheme = isSecure ? "https" : "http"
        self.silence = HTTP2SilenceWatch(silence)
        super.init(
            limits: GatewayLimits(head: limits, idleTimeout: idleTimeout), state: .firstSettings,
            settings: HTTP2Settings(of: .server), patience: HTTP2Patience(of: .server), now: now)
        output.preface()
        output.settings(
            HTTP2Settings.ours(of: .client, initialWindow: Self.streamWindow, headBytes: limits.headBytes))
        output.windowUpdate(stream: 0, by: Self.connectionWindow - HTTP2Settings.firstWindow)
    }

    // MARK: - Streams

    /// Whether one more stream is taken. It may have to wait for the end of another where the upstream has changed its mind.
    public var hasRoom: Bool {
        takesMore && (state == .firstSettings || state == .open) && streams.count + unbegun.count < allowed
    }

    private var allowed: Int { min(Self.concurrentStreams, settings.concurrentStreams) }

    /// A stream for one request, which is begun once its head is there.
    public func open(for user: any HTTP2StreamUser) -> HTTP2UpstreamStream {
        let stream = HTTP2UpstreamStream(of: self, for: user)
        unbegun.append(stream)
        return stream
    }

    /// Takes no more streams than it has, and is over with the last.
    public func leave() { takesMore = false }

    /// Begins a stream whose head is there, or lets it wait.
    func begin(_ stream: HTTP2UpstreamStream) {
        if mayBegin, unbegun.first(where: \.hasHead) === stream { start(stream) }
    }

    override func beginWaiting() {
        while mayBegin, let stream = unbegun.first(where: \.hasHead) { start(stream) }
        if !takesMore, streams.isEmpty, unbegun.isEmpty, state != .over { state = .closing }
    }

    /// Heads wait with their streams while what is sent finds no room.
    private var mayBegin: Bool {
        guard isWritable else { return false }
        return switch state {
        case .open: streams.count < allowed
        case .firstSettings: streams.isEmpty
        case .preface, .closing, .over: false
        }
    }

    private func start(_ stream: HTTP2UpstreamStream) {
        forgetUnbegun(stream)
        let number = lastBegun == 0 ? 1 : lastBegun + 2
        lastBegun = number
        streams[number] = stream
        patience.streamBegan()
        stream.begin(as: number)
        if number == Self.lastNumber { peerLeaves(after: number) }
    }

    func forgetUnbegun(_ stream: HTTP2UpstreamStream) { unbegun.removeAll { $0 === stream } }

    func write(_ head: HTTP1RequestReader.Head, of stream: HTTP2UpstreamStream, endsStream: Bool) {
        let line = [
            (":method", head.method), (":scheme", scheme), (":authority", head.authority), (":path", head.target),
        ]
        let fields = line + head.fields
        writeHead(of: stream, endsStream: endsStream, atMost: HPACKEncoder.sizeBound(fields)) { writer in
            for (name, value) in fields { HPACKEncoder.write(name: name, value: value, to: &writer) }
        }
    }

    // MARK: - Silence

    override func heard() { silence.heard(now: now) }

    override func streamsSettled() { silence.waits(!streams.isEmpty, now: now) }

    override var silenceDeadline: UInt64 {
        switch state {
        case .open, .closing: silence.deadline
        // Until its settings have come, their own time runs.
        case .preface, .firstSettings, .over: .max
        }
    }

    /// Asks the upstream whether it is there, or gives it up: what was sent on its streams may have reached it.
    override func silenceLasts() {
        switch silence.judge(now: now) {
        case .fine: break
        case .ping: output.ping()
        case .gone: fail(.noError)
        }
    }

    // MARK: - Answers

    /// Fields of one block, no more than a head may have.
    private struct Fields {
        let limits: HeadLimits
        var lines: [(name: String, value: String)] = []
        var bytes = 0
        var isTooLarge: Bool { bytes > limits.headBytes || lines.count > limits.fieldCount }

        mutating func take(_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) {
            // A byte of a block can stand for thousands.
            guard !isTooLarge else { return }
            bytes += name.count + value.count + 4
            lines.append((name.text, value.text))
        }
    }

    /// Those behind it build on it (RFC 9113 §4.3).
    override func takeBlock(
        _ block: UnsafeRawBufferPointer, stream id: UInt32, endsStream: Bool
    ) throws(HTTP2ErrorCode) {
        let stream = try stream(id)
        var fields = Fields(limits: limits.head)
        try decode(block) { fields.take($0, $1) }
        silence.answered()
        // On its way since before the upstream knew that nobody waits for it.
        guard let stream = stream as? HTTP2UpstreamStream else { return try patience.idleFrame(now: now) }
        if fields.isTooLarge || !stream.take(fields.lines, endsStream: endsStream) {
            try reset(stream, .protocolError)
        }
    }

    // MARK: - Ends

    /// Streams that the upstream has not looked at, and will not, can be sent again elsewhere (RFC 9113 §6.8).
    override func peerLeaves(after last: UInt32) {
        if state != .over { state = .closing }
        for case let stream as HTTP2UpstreamStream in streams.values where stream.id > last {
            forget(stream)
            stream.refuse()
        }
        refuseUnbegun()
    }

    override func abandonStreams() {
        super.abandonStreams()
        refuseUnbegun()
    }

    private func refuseUnbegun() {
        let refused = unbegun
        unbegun = []
        for stream in refused { stream.refuse() }
    }
}
