// SPDX-License-Identifier: Apache-2.0

@testable import TurnpikeProxyCore

/// A connection to an upstream, whose frames the test sends, and users, who note what they are told.
final class HTTP2UpstreamRig {
    let connection: HTTP2UpstreamConnection
    var now: UInt64
    /// In the order in which they asked.
    private(set) var users: [UpstreamStreamUser] = []
    /// All that came out behind the preface, in order.
    private(set) var frames: [HTTP2Frame] = []
    /// What came out behind the last whole frame.
    private(set) var rest: [UInt8] = []
    private(set) var saidPreface = false
    /// The fields of each block by stream, as lines of `name: value`.
    private(set) var blocks: [UInt32: [[String]]] = [:]
    private let decoder = HPACKDecoder()

    /// - Parameter settings: what the upstream begins with; nil where it says nothing at all.
    init(
        limits: HeadLimits = HeadLimits(), settings: [(number: Int, value: Int)]? = [], now: UInt64 = 1_000_000_000
    ) {
        self.now = now
        connection = HTTP2UpstreamConnection(isSecure: false, limits: limits, now: now)
        settle()
        if let settings { send(.settings(settings)) }
    }

    // MARK: - What the gateway does

    /// Asks for a stream and sends what there is of a request.
    @discardableResult
    func ask(_ request: String = "GET / HTTP/1.1\r\nHost: api.acme.test\r\n\r\n") -> UpstreamStreamUser {
        let user = UpstreamStreamUser()
        users.append(user)
        user.stream = connection.open(for: user)
        user.send(request)
        settle()
        return user
    }

    // MARK: - What the upstream does

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
        frames.last { $0.kind == FrameKind.goAway.rawValue }
            .flatMap { HTTP2ErrorCode(rawValue: UInt32($0.word(at: 1))) }
    }

    func frames(_ kind: FrameKind, on stream: UInt32) -> [HTTP2Frame] {
        frames.filter { $0.kind == kind.rawValue && $0.stream == stream }
    }

    func content(on stream: UInt32) -> [UInt8] { frames(.data, on: stream).flatMap(\.payload) }

    func reset(on stream: UInt32) -> HTTP2ErrorCode? {
        frames(.resetStream, on: stream).last.flatMap { HTTP2ErrorCode(rawValue: UInt32($0.word())) }
    }

    private func read() {
        if !saidPreface, rest.starts(with: HTTP2Frame.preface) {
            saidPreface = true
            rest.removeFirst(HTTP2Frame.preface.count)
        }
        guard saidPreface else { return }
        let (new, left) = HTTP2Frame.all(in: rest)
        rest = Array(left)
        for frame in new where frame.kind == FrameKind.headers.rawValue { read(block: frame) }
        frames += new
    }

    private func read(block frame: HTTP2Frame) {
        var lines: [String] = []
        frame.payload.withUnsafeBytes { block in
            let outcome = Result { () throws(HPACKFault) in
                try decoder.decode(block) { lines.append("\($0.text): \($1.text)") }
            }
            if case .failure(let fault) = outcome { lines.append("\(fault)") }
        }
        blocks[frame.stream, default: []].append(lines)
    }
}

/// Notes what it is told of one answer, and holds its stream as whoever has asked does.
final class UpstreamStreamUser: HTTP2StreamUser {
    enum End { case ended, refused }

    var stream: HTTP2UpstreamStream?
    private(set) var received: [UInt8] = []
    private(set) var end: End?
    private(set) var ends = 0
    private(set) var writability: [Bool] = []
    private(set) var timesSent = 0

    var text: String { String(decoding: received, as: UTF8.self) }

    func received(_ bytes: UnsafeRawBufferPointer) { received += bytes }
    func ended() { finish(.ended) }
    func refused() { finish(.refused) }

    private func finish(_ end: End) {
        self.end = end
        ends += 1
    }

    func writabilityChanged(_ isWritable: Bool) { writability.append(isWritable) }
    func outputSent() { timesSent += 1 }

    // MARK: - What it does

    func send(_ text: String) { send(Array(text.utf8)) }

    func send(_ bytes: [UInt8]) { bytes.withUnsafeBytes { stream?.send($0) } }

    func close() { stream?.close(reset: false) }
}

extension HTTP2Frame {
    static func answer(
        _ stream: UInt32, _ status: String = "200", _ fields: [(String, String)] = [], endsStream: Bool = true
    ) -> HTTP2Frame { head(stream, [(":status", status)] + fields, endsStream: endsStream) }

    static func goAway(after last: UInt32, _ code: HTTP2ErrorCode = .noError) -> HTTP2Frame {
        HTTP2Frame(.goAway, [], word(Int(last)) + word(Int(code.rawValue)))
    }

    static func reset(_ stream: UInt32, _ code: HTTP2ErrorCode) -> HTTP2Frame {
        HTTP2Frame(.resetStream, stream: stream, word(Int(code.rawValue)))
    }
}
