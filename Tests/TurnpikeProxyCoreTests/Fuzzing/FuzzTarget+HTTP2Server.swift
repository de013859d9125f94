// SPDX-License-Identifier: Apache-2.0

@testable import TurnpikeProxyCore

extension FuzzTarget {
    /// What follows a client's preface. Once with users, a socket and a clock that do as they like, and twice, whole and byte by
    /// byte, with users who answer as they read: frames come out whole, each user is told one request at most and no less than
    /// came, and where the pieces end changes nothing.
    static func checkHTTP2Server(_ bytes: [UInt8]) throws {
        var random = bytes.chance
        let disturbed = FuzzedHTTP2Server(seed: bytes.seed)
        for piece in bytes.pieces(&random) { disturbed.runDisturbed(piece) }
        try disturbed.check()

        let whole = FuzzedHTTP2Server(seed: bytes.seed)
        whole.run(bytes)
        try whole.check()
        let bytewise = FuzzedHTTP2Server(seed: bytes.seed)
        for byte in bytes { bytewise.run([byte]) }
        try bytewise.check()
        // A client that takes its leave is left at once, or once all of a piece is read.
        guard !HTTP2Frame.all(in: bytes).frames.contains(where: { $0.kind == FrameKind.goAway.rawValue }) else {
            return
        }
        let (summary, other) = (whole.summary, bytewise.summary)
        try require(summary == other, "whole\n\(summary)\nand byte by byte\n\(other)")
    }
}

/// A connection whose users answer as chance has it: the same for the same seed, stream and request.
final class FuzzedHTTP2Server {
    private let rig: HTTP2Rig
    private let seed: UInt64
    private var random: RandomSource
    private var isDisturbed = false

    init(seed: UInt64) {
        self.seed = seed
        random = RandomSource(seed: seed)
        rig = HTTP2Rig(limits: GatewayLimits(head: HeadLimits(headBytes: 1024)), settings: nil)
        rig.reaction = { [unowned self] in react($0) }
        rig.send(HTTP2Frame.preface)
    }

    func run(_ bytes: [UInt8]) { rig.send(bytes) }

    /// With something amiss before or behind it.
    func runDisturbed(_ bytes: [UInt8]) {
        isDisturbed = true
        rig.deliver(bytes)
        let users = rig.users.values.sorted { $0.stream.id < $1.stream.id }
        let user = users.randomElement(using: &random)
        switch Int.random(in: 0..<10, using: &random) {
        case 0: user?.stream.setReading(false)
        case 1: user?.stream.setReading(true)
        case 2: user?.close(reset: Bool.random(using: &random))
        case 3: user?.stream.endOutput()
        case 4: user?.send([UInt8](repeating: 1, count: Int.random(in: 0...100_000, using: &random)))
        case 5: rig.connection.writability(Bool.random(using: &random), now: rig.now)
        case 6: rig.passTime(Double(Int.random(in: 0...20, using: &random)))
        case 7: rig.connection.timerFired(now: rig.now)
        case 8: if Int.random(in: 0..<8, using: &random) == 0 { rig.connection.drain(now: rig.now) }
        default: break
        }
        if Bool.random(using: &random) { rig.settle() }
    }

    private func react(_ user: StreamUser) {
        guard !user.isClosed else { return }
        let way = way(of: user)
        if isDisturbed, way == 7 { user.stream.setReading(false) }
        guard way < 2 || user.stream.isReceived else { return }
        switch way {
        case 0: user.answer("early")
        case 1: user.close(reset: true)
        case 2: user.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX-Sum: 1\r\n\r\n")
        case 3: user.send("HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n")
        case 4: user.send("HTTP/1.1 200 OK\r\n\r\nuntil the end")
        case 5: user.answer(String(repeating: "x", count: 300))
        case 6: break
        default: user.send("nothing that is known")
        }
        if way == 4 || user.stream.isOver, user.stream.isSent { user.close() }
    }

    /// How it answers; below 2, without waiting for the request's end.
    private func way(of user: StreamUser) -> Int {
        var random = RandomSource(seed: seed ^ UInt64(user.stream.id))
        return Int.random(in: 0..<8, using: &random)
    }

    // MARK: - What must hold

    func check() throws {
        rig.connection.writability(true, now: rig.now)
        for user in rig.users.values { user.stream.setReading(true) }
        rig.settle()
        try require(rig.rest.isEmpty, "a frame that is not whole")
        for frame in rig.frames { try check(frame) }
        for (stream, answer) in rig.answers { try require(!answer.isBroken, "broken frames on \(stream)") }
        for user in rig.users.values { try check(user) }

        let connection = rig.connection
        connection.lost()
        let isLeft = !connection.streams.isEmpty || !connection.ready.isEmpty || !connection.waiting.isEmpty
        try require(!isLeft, "streams are left")
        // What came beyond the window counts for nothing.
        let free = connection.receiveWindow + connection.credit
        try require(
            free == HTTP2Connection.connectionWindow || connection.receiveWindow < 0, "\(free) of the window are free")
    }

    private func check(_ frame: HTTP2Frame) throws {
        guard FrameKind(rawValue: frame.kind) != nil else { throw Broken("an unknown frame: \(frame)") }
        try require(frame.payload.count <= FrameHeader.mostPayload, "too large: \(frame)")
        try require(
            frame.stream == 0 || frame.stream % 2 == 1 && frame.stream <= rig.connection.lastBegun,
            "of no stream of the client's: \(frame)")
    }

    private func check(_ user: StreamUser) throws {
        guard !user.received.isEmpty else { return }
        var parser = RequestParser(limits: HeadLimits(headBytes: 1024))
        var head = RequestHead()
        switch user.received.withUnsafeBytes({ parser.parse($0, into: &head) }) {
        // Too large, or for the engine to refuse.
        case .fault: return
        case .incomplete: throw Broken("a head without an end: \(user.text.debugDescription)")
        case .complete(let length):
            let content = Array(user.received[length...])
            var reader = BodyReader(head.framing)
            let progress = try content.withUnsafeBytes { try reader.advance($0) }
            try require(
                progress.consumed == content.count, "more than one request: \(user.text.debugDescription)")
            // Who left early was told no more.
            guard user.stream.isReceived, !isDisturbed, way(of: user) >= 2 else { return }
            try require(progress.isComplete, "less than the request: \(user.text.debugDescription)")
        }
    }

    /// What does not depend on where pieces end.
    var summary: String {
        let users = rig.users.sorted { $0.key < $1.key }.map {
            "\($0): \($1.text.debugDescription), ended \($1.hasEnded)"
        }
        let answers = rig.answers.sorted { $0.key < $1.key }.map { stream, answer in
            let reset = answer.reset.map { "\($0)" } ?? "none"
            return "\(stream): \(answer.blocks), \(answer.text), whole \(answer.isWhole), reset \(reset)"
        }
        let goodbye = rig.goodbye.map { "\($0)" } ?? "none"
        return (users + answers + ["goodbye \(goodbye)"]).joined(separator: "\n")
    }
}
