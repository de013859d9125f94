// SPDX-License-Identifier: Apache-2.0

import TurnpikeTestSupport

@testable import TurnpikeProxyCore

/// A client and users who send and take at random, and hold each other to their windows.
final class HTTP2FlowSimulation {
    struct Broken: Error { let what: String }

    private final class Exchange {
        let stream: UInt32
        let request: [UInt8]
        var uploaded = 0
        var isUploaded = false
        /// As HTTP/1.1.
        let answer: [UInt8]
        let answerContent: [UInt8]
        var answered = 0
        var isAnswered: Bool { answered == answer.count }
        /// What the client may still send, and the server.
        var uploadWindow: Int
        var downloadWindow: Int

        init(_ stream: UInt32, _ request: [UInt8], _ answer: (wire: [UInt8], content: [UInt8]), _ windows: (Int, Int)) {
            self.stream = stream
            self.request = request
            (self.answer, answerContent) = answer
            (uploadWindow, downloadWindow) = windows
        }
    }

    private var random: SeededGenerator
    private let rig: HTTP2Rig
    private var exchanges: [UInt32: Exchange] = [:]
    private var order: [UInt32] = []
    private var uploadWindow = 65_535
    private var downloadWindow = 65_535
    private var firstUploadWindow = 65_535
    private var firstDownloadWindow: Int
    private var framesRead = 0

    init(seed: UInt64) {
        random = SeededGenerator(seed: seed)
        firstDownloadWindow = Int.random(in: 0...100_000, using: &random)
        rig = HTTP2Rig(settings: [(4, firstDownloadWindow)])
    }

    func run() throws {
        for _ in 0..<400 { try step() }
        try finish()
    }

    private func chance(_ one: Int) -> Bool { Int.random(in: 0..<one, using: &random) == 0 }

    private func step() throws {
        switch Int.random(in: 0..<16, using: &random) {
        case 0, 1: if exchanges.count < 8 { open() }
        case 2...5: if let exchange = anyone() { upload(exchange) }
        case 6...9: if let exchange = anyone() { try answer(exchange) }
        // Who has said all is told no more of what it did not read.
        case 10: if let exchange = anyone(), !exchange.isAnswered { pause(exchange, chance(3)) }
        case 11: widen(by: Int.random(in: 1...60_000, using: &random))
        case 12: if let exchange = anyone() { widen(exchange, by: Int.random(in: 1...60_000, using: &random)) }
        case 13: if chance(3) { try changeSettings() }
        case 14: rig.connection.writability(!chance(3), now: rig.now)
        default: try settle()
        }
        rig.passTime(0.01)
    }

    private func anyone() -> Exchange? { order.randomElement(using: &random).flatMap { exchanges[$0] } }

    private func user(_ exchange: Exchange) -> StreamUser? { rig.users[exchange.stream] }

    private func bytes(_ count: Int) -> [UInt8] { (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) } }

    private func open() {
        let stream = UInt32(2 * order.count + 1)
        let request = bytes(chance(3) ? 0 : Int.random(in: 1...150_000, using: &random))
        let content = bytes(chance(3) ? 0 : Int.random(in: 1...150_000, using: &random))
        exchanges[stream] = Exchange(stream, request, wire(content), (firstUploadWindow, firstDownloadWindow))
        order.append(stream)
        rig.deliver(HTTP2Frame.post(stream, length: chance(2) ? request.count : nil).bytes)
    }

    /// An answer as HTTP/1.1.
    private func wire(_ content: [UInt8]) -> (wire: [UInt8], content: [UInt8]) {
        guard chance(2) else {
            return (Array("HTTP/1.1 200 OK\r\nContent-Length: \(content.count)\r\n\r\n".utf8) + content, content)
        }
        var wire = Array("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".utf8)
        var rest = content[...]
        while !rest.isEmpty {
            let piece = rest.prefix(Int.random(in: 1...20_000, using: &random))
            rest = rest.dropFirst(piece.count)
            wire += Array("\(String(piece.count, radix: 16))\r\n".utf8) + piece + Array("\r\n".utf8)
        }
        return (wire + Array((chance(2) ? "0\r\nX-Sum: 1\r\n\r\n" : "0\r\n\r\n").utf8), content)
    }

    // MARK: - The client

    private func upload(_ exchange: Exchange) {
        guard !exchange.isUploaded else { return }
        let padding = chance(3) ? Int.random(in: 0...255, using: &random) : nil
        let room = min(16_384, exchange.uploadWindow, uploadWindow) - (padding.map { $0 + 1 } ?? 0)
        let left = exchange.request.count - exchange.uploaded
        guard room >= min(left, 1) else { return }
        let piece = min(left, room, Int.random(in: 1...16_384, using: &random))
        let content = Array(exchange.request[exchange.uploaded..<exchange.uploaded + piece])
        exchange.uploaded += piece
        exchange.isUploaded = piece == left
        let frame = HTTP2Frame.data(exchange.stream, content, endsStream: exchange.isUploaded, padding: padding)
        uploadWindow -= frame.payload.count
        exchange.uploadWindow -= frame.payload.count
        rig.deliver(frame.bytes)
    }

    private func widen(by bytes: Int) {
        downloadWindow += bytes
        rig.deliver(HTTP2Frame.windowUpdate(by: bytes).bytes)
    }

    private func widen(_ exchange: Exchange, by bytes: Int) {
        exchange.downloadWindow += bytes
        rig.deliver(HTTP2Frame.windowUpdate(exchange.stream, by: bytes).bytes)
    }

    private func changeSettings() throws {
        try settle()
        let window = Int.random(in: 0...100_000, using: &random)
        for exchange in exchanges.values { exchange.downloadWindow += window - firstDownloadWindow }
        firstDownloadWindow = window
        rig.deliver(HTTP2Frame.settings([(4, window)]).bytes)
    }

    private func settle() throws {
        rig.settle()
        for frame in rig.frames[framesRead...] { try read(frame) }
        framesRead = rig.frames.count
    }

    private func read(_ frame: HTTP2Frame) throws {
        switch FrameKind(rawValue: frame.kind) {
        case .data:
            guard let exchange = exchanges[frame.stream] else { throw Broken(what: "content of no stream") }
            downloadWindow -= frame.payload.count
            exchange.downloadWindow -= frame.payload.count
            guard frame.payload.isEmpty || min(downloadWindow, exchange.downloadWindow) >= 0 else {
                throw Broken(what: "more than the client has room for: \(frame)")
            }
        case .windowUpdate where frame.stream == 0: uploadWindow += frame.word()
        case .windowUpdate: exchanges[frame.stream]?.uploadWindow += frame.word()
        case .settings where !frame.flags.contains(.acknowledges):
            for exchange in exchanges.values { exchange.uploadWindow += 256 << 10 - firstUploadWindow }
            firstUploadWindow = 256 << 10
        case .resetStream, .goAway: throw Broken(what: "\(frame) for no fault")
        default: break
        }
    }

    // MARK: - Users

    private func pause(_ exchange: Exchange, _ isPaused: Bool) {
        user(exchange)?.stream.setReading(!isPaused)
    }

    private func answer(_ exchange: Exchange) throws {
        guard let user = user(exchange), user.stream.isWritable || chance(8) else { return }
        let piece = exchange.answer[exchange.answered...].prefix(Int.random(in: 1...40_000, using: &random))
        exchange.answered += piece.count
        if exchange.isAnswered {
            pause(exchange, false)
            try settle()
        }
        user.send(Array(piece))
        if user.stream.isOver, !user.isClosed { user.close() }
    }

    // MARK: - The end

    /// All that was held back is let go.
    private func finish() throws {
        rig.connection.writability(true, now: rig.now)
        for exchange in exchanges.values { pause(exchange, false) }
        for _ in 0..<2000 {
            try settle()
            let open = exchanges.values.filter { user($0).map { !$0.isClosed } ?? true }
            if open.isEmpty { break }
            if downloadWindow < 100_000 { widen(by: 100_000) }
            for exchange in open {
                if exchange.downloadWindow < 100_000 { widen(exchange, by: 100_000) }
                upload(exchange)
                try answer(exchange)
            }
            rig.passTime(0.1)
        }
        for exchange in exchanges.values { try check(exchange) }
        let connection = rig.connection
        guard connection.streams.isEmpty, connection.ready.isEmpty, connection.waiting.isEmpty else {
            throw Broken(what: "streams are left")
        }
        guard connection.receiveWindow + connection.credit == HTTP2Connection.connectionWindow,
            uploadWindow + connection.credit == HTTP2Connection.connectionWindow
        else { throw Broken(what: "the connection's window is \(connection.receiveWindow) + \(connection.credit)") }
    }

    private func check(_ exchange: Exchange) throws {
        guard let user = user(exchange), user.isClosed, !user.hasEnded else {
            throw Broken(what: "stream \(exchange.stream) hangs")
        }
        let answer = rig[exchange.stream]
        guard answer.content == exchange.answerContent, answer.isWhole, !answer.isBroken else {
            throw Broken(what: "another answer on \(exchange.stream)")
        }
        guard HTTP2Request(user.received)?.content == exchange.request else {
            throw Broken(what: "another request on \(exchange.stream)")
        }
    }
}

/// What a user was told: one whole request.
struct HTTP2Request {
    private(set) var content: [UInt8] = []

    /// - Returns: nil where it is none, not whole, or more than one.
    init?(_ bytes: [UInt8]) {
        var parser = RequestParser(limits: HeadLimits())
        var head = RequestHead()
        guard case .complete(let length) = bytes.withUnsafeBytes({ parser.parse($0, into: &head) }) else { return nil }
        var rest = bytes[length...]
        guard head.framing == .chunked else {
            content = Array(rest)
            if case .length(let announced) = head.framing, announced != UInt64(rest.count) { return nil }
            return
        }
        while true {
            let line = rest.prefix { $0 != ASCII.cr }
            guard let size = Int(String(decoding: line, as: UTF8.self), radix: 16) else { return nil }
            rest = rest.dropFirst(line.count + 2)
            guard size > 0 else { break }
            content += rest.prefix(size)
            rest = rest.dropFirst(size + 2)
        }
        guard rest.elementsEqual("\r\n".utf8) else { return nil }
    }
}
