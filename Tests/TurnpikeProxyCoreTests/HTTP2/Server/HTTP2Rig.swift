// SPDX-License-Identifier: Apache-2.0

@testable import TurnpikeProxyCore

/// A connection between a client, whose frames the test sends, and users, who note what they are told.
final class HTTP2Rig: HTTP2ConnectionUser {
    let connection: HTTP2Connection
    var now: UInt64
    /// By stream, also of those that are over.
    private(set) var users: [UInt32: StreamUser] = [:]
    /// What each user does with what it is told.
    var reaction: (StreamUser) -> Void = { _ in }
    /// Whether it serves who comes.
    var serves = true

    /// All that came out, in order.
    private(set) var frames: [HTTP2Frame] = []
    /// What came out behind the last whole frame.
    private(set) var rest: [UInt8] = []
    private(set) var answers: [UInt32: HTTP2Answer] = [:]
    private let decoder = HPACKDecoder()

    /// - Parameter settings: what the client begins with; nil where it says nothing at all.
    init(
        limits: GatewayLimits = GatewayLimits(), settings: [(number: Int, value: Int)]? = [],
        now: UInt64 = 1_000_000_000
    ) {
        self.now = now
        connection = HTTP2Connection(limits: limits, now: now)
        connection.user = self
        if let settings { send(HTTP2Frame.preface + HTTP2Frame.settings(settings).bytes) }
    }

    func opened(_ stream: HTTP2Stream) -> (any HTTP2StreamUser)? {
        guard serves else { return nil }
        let user = StreamUser(stream, reaction)
        users[stream.id] = user
        return user
    }

    /// Why requests were refused, in order.
    private(set) var refusals: [HTTP2Fault] = []

    /// What is answered to these; where there is nothing, their streams are reset.
    var refusalAnswer: String?

    func refused(_ fault: HTTP2Fault) -> [UInt8]? {
        refusals.append(fault)
        return refusalAnswer.map { Array($0.utf8) }
    }

    /// Why the connection has failed, as told.
    private(set) var failures: [HTTP2ConnectionFault] = []

    func failed(_ fault: HTTP2ConnectionFault) { failures.append(fault) }

    /// Lets go of the users, so that who else holds them comes to light.
    func forgetUsers() { users = [:] }

    subscript(stream: UInt32) -> HTTP2Answer { answers[stream, default: HTTP2Answer()] }

    // MARK: - What the client does

    func send(_ frames: HTTP2Frame...) { send(frames.flatMap(\.bytes)) }

    func send(_ bytes: [UInt8]) {
        deliver(bytes)
        settle()
    }

    /// As `send`, in the midst of an event.
    func deliver(_ bytes: [UInt8]) { bytes.withUnsafeBytes { connection.received($0, now: now) } }

    /// Ends a turn of the loop: takes all that is to be sent.
    func settle() {
        repeat {
            connection.eventsEnded(now: now)
            connection.takeOutput { rest += $0 }
        } while connection.hasOutput
        read()
    }

    func passTime(_ seconds: Double) { now += UInt64(seconds * 1e9) }

    // MARK: - What it is told

    /// The code of the last goodbye.
    var goodbye: HTTP2ErrorCode? {
        frames.last { $0.kind == 7 }.flatMap { HTTP2ErrorCode(rawValue: UInt32($0.word(at: 1))) }
    }

    func frames(_ kind: FrameKind, on stream: UInt32) -> [HTTP2Frame] {
        frames.filter { $0.kind == kind.rawValue && $0.stream == stream }
    }

    private func read() {
        let (new, left) = HTTP2Frame.all(in: rest)
        rest = Array(left)
        for frame in new { read(frame) }
        frames += new
    }

    private var block: [UInt8] = []
    private var blockEndsStream = false

    private func read(_ frame: HTTP2Frame) {
        switch FrameKind(rawValue: frame.kind) {
        case .headers, .continuation:
            if frame.kind == FrameKind.headers.rawValue { blockEndsStream = frame.flags.contains(.endStream) }
            block += frame.payload
            guard frame.flags.contains(.endHeaders) else { return }
            answers[frame.stream, default: HTTP2Answer()].take(decoder, block, endsStream: blockEndsStream)
            block = []
        case .data:
            answers[frame.stream, default: HTTP2Answer()].take(frame)
        case .resetStream:
            answers[frame.stream, default: HTTP2Answer()].reset = HTTP2ErrorCode(rawValue: UInt32(frame.word()))
        default: break
        }
    }
}

/// What a client has read of one answer.
struct HTTP2Answer {
    /// Header blocks, trailers as the last one: lines of `name: value`.
    var blocks: [[String]] = []
    var content: [UInt8] = []
    var isWhole = false
    var reset: HTTP2ErrorCode?
    /// Something came behind its end, or could not be read.
    var isBroken = false

    var text: String { String(decoding: content, as: UTF8.self) }

    fileprivate mutating func take(_ decoder: HPACKDecoder, _ block: [UInt8], endsStream: Bool) {
        isBroken = isBroken || isWhole
        var lines: [String] = []
        let outcome = block.withUnsafeBytes { block in
            Result { () throws(HPACKFault) in try decoder.decode(block) { lines.append("\($0.text): \($1.text)") } }
        }
        if case .failure = outcome { isBroken = true }
        blocks.append(lines)
        isWhole = endsStream
    }

    fileprivate mutating func take(_ frame: HTTP2Frame) {
        isBroken = isBroken || isWhole || blocks.isEmpty || frame.flags.contains(.padded)
        content += frame.payload
        isWhole = frame.flags.contains(.endStream)
    }
}

/// Notes what it is told of one request, and holds its stream as whoever serves one does.
final class StreamUser: HTTP2StreamUser {
    let stream: HTTP2Stream
    private(set) var received: [UInt8] = []
    private(set) var hasEnded = false
    private(set) var fault: HTTP2Fault?
    private(set) var isClosed = false
    private(set) var writability: [Bool] = []
    private(set) var timesSent = 0
    private let reaction: (StreamUser) -> Void
    /// What it does when its request turns out to be malformed.
    var whenMalformed: (StreamUser) -> Void = { _ in }
    /// What it does when there is no more room.
    var whenFull: (StreamUser) -> Void = { _ in }

    init(_ stream: HTTP2Stream, _ reaction: @escaping (StreamUser) -> Void) {
        self.stream = stream
        self.reaction = reaction
    }

    var text: String { String(decoding: received, as: UTF8.self) }

    func received(_ bytes: UnsafeRawBufferPointer) {
        received += bytes
        reaction(self)
    }

    func ended() { hasEnded = true }

    func malformed(_ fault: HTTP2Fault) {
        self.fault = fault
        hasEnded = true
        whenMalformed(self)
    }

    func writabilityChanged(_ isWritable: Bool) {
        writability.append(isWritable)
        if !isWritable { whenFull(self) }
    }

    func outputSent() { timesSent += 1 }

    // MARK: - What it does

    func send(_ text: String) { send(Array(text.utf8)) }

    func send(_ bytes: [UInt8]) { bytes.withUnsafeBytes { stream.send($0) } }

    func close(reset: Bool = false) {
        isClosed = true
        stream.close(reset: reset)
    }

    /// Answers with so much content, and leaves.
    func answer(_ content: String = "") {
        send("HTTP/1.1 200 OK\r\nContent-Length: \(content.utf8.count)\r\n\r\n\(content)")
        if stream.isSent { close() }
    }
}
