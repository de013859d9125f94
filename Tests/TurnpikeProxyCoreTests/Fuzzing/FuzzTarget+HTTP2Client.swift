// SPDX-License-Identifier: Apache-2.0

@testable import TurnpikeProxyCore

extension FuzzTarget {
    /// What follows an upstream's settings, of which four requests have been asked. Once with users, a socket and a clock that do
    /// as they like, and twice, whole and byte by byte: frames come out whole, each user is told one answer at most and its end once,
    /// and where the pieces end changes nothing.
    static func checkHTTP2Client(_ bytes: [UInt8]) throws {
        var random = bytes.chance
        let disturbed = FuzzedHTTP2Client(seed: bytes.seed)
        for piece in bytes.pieces(&random) { disturbed.runDisturbed(piece) }
        try disturbed.check()

        let whole = FuzzedHTTP2Client(seed: bytes.seed)
        whole.run(bytes)
        try whole.check()
        let bytewise = FuzzedHTTP2Client(seed: bytes.seed)
        for byte in bytes { bytewise.run([byte]) }
        try bytewise.check()
        // An upstream that takes its leave is left at once, or once all of a piece is read.
        guard !HTTP2Frame.all(in: bytes).frames.contains(where: { $0.kind == FrameKind.goAway.rawValue }) else {
            return
        }
        let (summary, other) = (whole.summary, bytewise.summary)
        try require(summary == other, "whole\n\(summary)\nand byte by byte\n\(other)")
    }
}

/// A connection to an upstream on which some requests are under way.
final class FuzzedHTTP2Client {
    private static let requests = [
        "GET /1 HTTP/1.1\r\nHost: api.acme.test\r\n\r\n", "HEAD /3 HTTP/1.1\r\nHost: api.acme.test\r\n\r\n",
        "POST /5 HTTP/1.1\r\nHost: api.acme.test\r\nContent-Length: 7\r\n\r\ncontent",
        // Not yet whole.
        "POST /7 HTTP/1.1\r\nHost: api.acme.test\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
    ]

    private let rig: HTTP2UpstreamRig
    private var random: RandomSource
    private var isDisturbed = false

    init(seed: UInt64) {
        random = RandomSource(seed: seed)
        rig = HTTP2UpstreamRig(limits: HeadLimits(headBytes: 1024))
        for request in Self.requests { rig.ask(request) }
    }

    func run(_ bytes: [UInt8]) { rig.send(bytes) }

    /// With something amiss before or behind it.
    func runDisturbed(_ bytes: [UInt8]) {
        isDisturbed = true
        rig.deliver(bytes)
        let user = rig.users.randomElement(using: &random)
        switch Int.random(in: 0..<12, using: &random) {
        case 0: user?.stream?.setReading(false)
        case 1: user?.stream?.setReading(true)
        case 2: user?.close()
        case 3: user?.stream?.endOutput()
        case 4: rig.users[3].send("2\r\nde\r\n")
        case 5: rig.users[3].send("0\r\nX-Sum: 1\r\n\r\n")
        case 6: rig.connection.writability(Bool.random(using: &random), now: rig.now)
        case 7: rig.passTime(Double(Int.random(in: 0...40, using: &random)))
        case 8: rig.connection.timerFired(now: rig.now)
        case 9: if rig.users.count < 20, rig.connection.hasRoom { rig.ask() }
        case 10: if Int.random(in: 0..<8, using: &random) == 0 { rig.connection.leave() }
        default: break
        }
        if Bool.random(using: &random) { rig.settle() }
    }

    // MARK: - What must hold

    func check() throws {
        rig.connection.writability(true, now: rig.now)
        for user in rig.users { user.stream?.setReading(true) }
        rig.settle()
        try require(rig.rest.isEmpty, "a frame that is not whole")
        for frame in rig.frames { try check(frame) }
        for (place, user) in rig.users.enumerated() { try check(user, answersHEAD: place == 1) }

        let connection = rig.connection
        connection.lost()
        let isLeft = !connection.streams.isEmpty || !connection.ready.isEmpty || !connection.waiting.isEmpty
        try require(!isLeft, "streams are left")
        // What came beyond the window counts for nothing.
        let free = connection.receiveWindow + connection.credit
        try require(
            free == HTTP2Link.connectionWindow || connection.receiveWindow < 0, "\(free) of the window are free")
    }

    private func check(_ frame: HTTP2Frame) throws {
        guard FrameKind(rawValue: frame.kind) != nil else { throw Broken("an unknown frame: \(frame)") }
        try require(frame.payload.count <= FrameHeader.mostPayload, "too large: \(frame)")
        try require(
            frame.stream == 0 || frame.stream % 2 == 1 && frame.stream <= rig.connection.lastBegun,
            "of no stream that was begun: \(frame)")
    }

    /// Interim answers, and one that is final at most.
    private func check(_ user: UpstreamStreamUser, answersHEAD: Bool) throws {
        try require(user.ends <= 1, "told of its end \(user.ends) times")
        try require(user.end != .refused || user.received.isEmpty, "refused and answered")
        var parser = ResponseParser(limits: HeadLimits(headBytes: 2048))
        var rest = user.received[...]
        while !rest.isEmpty {
            var head = ResponseHead()
            let outcome = rest.withUnsafeBytes {
                parser.parse($0, answersHead: answersHEAD, into: &head)
            }
            switch outcome {
            case .fault: return
            case .incomplete: throw Broken("a head without an end: \(user.text.debugDescription)")
            case .complete(let length):
                rest = rest.dropFirst(length)
                guard head.status >= 200 else { continue }
                var reader = BodyReader(head.framing)
                let progress = try rest.withUnsafeBytes { try reader.advance($0) }
                try require(
                    progress.consumed == rest.count, "more than one answer: \(user.text.debugDescription)")
                return
            }
        }
    }

    /// What does not depend on where pieces end.
    var summary: String {
        let users = rig.users.enumerated().map { place, user in
            let end = user.end.map { "\($0)" } ?? "none"
            let reset = rig.reset(on: UInt32(2 * place + 1)).map { "\($0)" } ?? "none"
            return "\(place): \(user.text.debugDescription), end \(end), reset \(reset)"
        }
        return (users + ["goodbye \(rig.goodbye.map { "\($0)" } ?? "none")"]).joined(separator: "\n")
    }
}
