// SPDX-License-Identifier: Apache-2.0

import TurnpikeTestSupport

@testable import TurnpikeProxyCore

/// The two ends of a connection, as a gateway has them towards upstreams and towards clients, and users of both who send, take,
/// pause and leave at random. What arrives is held to what was sent, byte by byte.
final class HTTP2PairSimulation: HTTP2ConnectionUser {
    struct Broken: Error { let what: String }

    private final class Call {
        let request: [UInt8]
        let requestContent: [UInt8]
        var asked = 0
        let answer: [UInt8]
        let answerContent: [UInt8]
        var answered = 0
        /// Without waiting for the request's end.
        let isEarly: Bool
        let client = UpstreamStreamUser()
        var server: StreamUser?
        /// What was received when it was last looked at, and whether that was all.
        private var seen: (request: Int, answer: Int) = (-1, -1)
        private var isWhole = (request: false, answer: false)
        /// One of the ends has left on purpose.
        var isCutOff = false

        var isAsked: Bool { asked == request.count }
        var isAnswered: Bool { answered == answer.count }

        init(_ request: ([UInt8], content: [UInt8]), _ answer: ([UInt8], content: [UInt8]), isEarly: Bool) {
            (self.request, requestContent) = request
            (self.answer, answerContent) = answer
            self.isEarly = isEarly
        }

        var isHeard: Bool {
            guard let server else { return false }
            if seen.request != server.received.count {
                seen.request = server.received.count
                isWhole.request = HTTP1Message(server.received) != nil
            }
            return isWhole.request
        }

        var isOver: Bool {
            if isCutOff || client.end != nil { return true }
            if seen.answer != client.received.count {
                seen.answer = client.received.count
                isWhole.answer = HTTP1Message(client.received) != nil
            }
            return isWhole.answer
        }
    }

    private var random: SeededGenerator
    private var now: UInt64 = 1_000_000_000
    private let client: HTTP2UpstreamConnection
    private let server: HTTP2Connection
    private var calls: [Call] = []
    /// On its way.
    private var toServer: [UInt8] = []
    private var toClient: [UInt8] = []
    private var servers: [StreamUser] = []
    private var isLeaving = false

    init(seed: UInt64) {
        random = SeededGenerator(seed: seed)
        client = HTTP2UpstreamConnection(isSecure: false, limits: HeadLimits(), now: now)
        server = HTTP2Connection(limits: GatewayLimits(), now: now)
        server.user = self
    }

    func run() throws {
        for _ in 0..<500 { try step() }
        try finish()
    }

    private func chance(_ one: Int) -> Bool { Int.random(in: 0..<one, using: &random) == 0 }

    private func step() throws {
        switch Int.random(in: 0..<20, using: &random) {
        case 0, 1: if calls.count < 30 { open() }
        case 2...5: if let call = anyone() { ask(call) }
        case 6...9: if let call = anyone() { try answer(call) }
        case 10: if let call = anyone() { call.client.stream?.setReading(chance(2)) }
        case 11: if let call = anyone(), !call.isAnswered { call.server?.stream.setReading(chance(2)) }
        case 12: client.writability(!chance(3), now: now)
        case 13: server.writability(!chance(3), now: now)
        case 14: if chance(4) { try cutOff() }
        case 15: if chance(4) { changeSettings() }
        case 16: if chance(30) { leave() }
        case 17: settle()
        default: try carry(atMost: Int.random(in: 1...60_000, using: &random))
        }
        now += 10_000_000
    }

    private func anyone() -> Call? { calls.randomElement(using: &random) }

    private func bytes(_ count: Int) -> [UInt8] { (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) } }

    // MARK: - What is sent

    private func open() {
        guard client.hasRoom else { return }
        let place = calls.count
        let call = Call(
            message("POST /\(place) HTTP/1.1\r\nHost: api.acme.test\r\n"),
            message("HTTP/1.1 200 OK\r\nX-Place: \(place)\r\n"),
            isEarly: chance(6))
        call.client.stream = client.open(for: call.client)
        calls.append(call)
    }

    /// A message of HTTP/1.1, its content of a known length or in chunks.
    private func message(_ head: String) -> ([UInt8], content: [UInt8]) {
        let content = bytes(chance(3) ? 0 : Int.random(in: 1...(chance(4) ? 600_000 : 60_000), using: &random))
        guard chance(2) else {
            return (Array("\(head)Content-Length: \(content.count)\r\n\r\n".utf8) + content, content)
        }
        var wire = Array("\(head)Transfer-Encoding: chunked\r\n\r\n".utf8)
        var rest = content[...]
        while !rest.isEmpty {
            let piece = rest.prefix(Int.random(in: 1...20_000, using: &random))
            rest = rest.dropFirst(piece.count)
            wire += Array("\(String(piece.count, radix: 16))\r\n".utf8) + piece + Array("\r\n".utf8)
        }
        return (wire + Array((chance(2) ? "0\r\nX-Sum: 1\r\n\r\n" : "0\r\n\r\n").utf8), content)
    }

    private func ask(_ call: Call) {
        guard !call.isAsked, !call.isCutOff, call.client.end == nil else { return }
        let piece = call.request[call.asked...].prefix(Int.random(in: 1...40_000, using: &random))
        call.asked += piece.count
        call.client.send(Array(piece))
    }

    private func answer(_ call: Call) throws {
        guard let user = call.server, !user.isClosed, !user.hasEnded, !call.isAnswered else { return }
        var piece = call.answer[call.answered...].prefix(Int.random(in: 1...40_000, using: &random))
        if !call.isEarly, !call.isHeard, call.answered + piece.count == call.answer.count { piece = piece.dropLast() }
        call.answered += piece.count
        user.send(Array(piece))
        closeIfDone(call)
    }

    /// Who has answered all leaves, whatever is still to come; as whoever serves a client does.
    private func closeIfDone(_ call: Call) {
        guard let user = call.server, call.isAnswered, !user.isClosed, !user.hasEnded, user.stream.isSent else {
            return
        }
        user.close()
    }

    private func cutOff() throws {
        guard let call = anyone(), !call.isCutOff else { return }
        if chance(2) {
            call.isCutOff = true
            call.client.close()
        } else if let user = call.server, !user.isClosed, !user.hasEnded {
            call.isCutOff = true
            user.close(reset: true)
        }
    }

    /// Says of an end what it does not mean, within what both can live with: less than it takes, but enough to hear of more.
    private func changeSettings() {
        let window = Int.random(in: (65 << 10)...HTTP2Link.streamWindow, using: &random)
        settle()
        if chance(2) {
            toServer += HTTP2Frame.settings([(4, window)]).bytes
        } else {
            toClient += HTTP2Frame.settings([(4, window), (3, Int.random(in: 1...40, using: &random))]).bytes
        }
    }

    private func leave() {
        isLeaving = true
        server.drain(now: now)
    }

    // MARK: - What arrives

    func opened(_ stream: HTTP2Stream) -> (any HTTP2StreamUser)? {
        let user = StreamUser(stream) { [unowned self] in take($0) }
        servers.append(user)
        return user
    }

    func refused(_ fault: HTTP2Fault) -> [UInt8]? { nil }
    func failed(_ fault: HTTP2ConnectionFault) {}

    /// Finds out which call it is.
    private func take(_ user: StreamUser) {
        let line = String(decoding: user.received.prefix(20), as: UTF8.self).split(separator: " ")
        guard line.count > 1, let place = Int(line[1].dropFirst()), calls.indices.contains(place) else { return }
        calls[place].server = user
    }

    private func settle() {
        repeat {
            client.eventsEnded(now: now)
            client.takeOutput { toServer += $0 }
        } while client.hasOutput
        repeat {
            server.eventsEnded(now: now)
            server.takeOutput { toClient += $0 }
        } while server.hasOutput
        for call in calls { closeIfDone(call) }
    }

    private func carry(atMost count: Int) throws {
        settle()
        let up = Array(toServer.prefix(count))
        toServer.removeFirst(up.count)
        up.withUnsafeBytes { server.received($0, now: now) }
        let down = Array(toClient.prefix(count))
        toClient.removeFirst(down.count)
        down.withUnsafeBytes { client.received($0, now: now) }
        settle()
        guard !client.isOver && !server.isOver || isLeaving else { throw Broken(what: "the connection is over") }
    }

    // MARK: - The end

    /// All that was held back is let go.
    private func finish() throws {
        var idle = 0
        while idle < 20, !calls.allSatisfy(\.isOver) || !toServer.isEmpty || !toClient.isEmpty {
            let before = progress
            client.writability(true, now: now)
            server.writability(true, now: now)
            for call in calls {
                call.client.stream?.setReading(true)
                call.server?.stream.setReading(true)
                ask(call)
                try answer(call)
            }
            try carry(atMost: 60_000)
            now += 10_000_000
            idle = progress == before && toServer.isEmpty && toClient.isEmpty ? idle + 1 : 0
        }
        for (place, call) in calls.enumerated() { try check(call, place) }
        guard client.streams.isEmpty, server.streams.isEmpty, client.waiting.isEmpty, server.waiting.isEmpty else {
            throw Broken(what: "streams are left: \(client.streams.keys), \(server.streams.keys)")
        }
        for end in [client, server] as [HTTP2Link] where end.receiveWindow + end.credit != HTTP2Link.connectionWindow {
            throw Broken(what: "a window is \(end.receiveWindow) + \(end.credit)")
        }
        guard isLeaving || client.sendWindow + server.credit == HTTP2Link.connectionWindow,
            isLeaving || server.sendWindow + client.credit == HTTP2Link.connectionWindow
        else { throw Broken(what: "the ends disagree: \(client.sendWindow), \(server.sendWindow)") }
    }

    /// Something is left of what was to be said.
    private var progress: Int {
        calls.reduce(0) { $0 + $1.asked + $1.answered + $1.client.received.count + ($1.server?.received.count ?? 0) }
    }

    private func check(_ call: Call, _ place: Int) throws {
        let (client, server) = (call.client, call.server)
        if client.end == .refused {
            guard server == nil, client.received.isEmpty, isLeaving else {
                throw Broken(what: "\(place) was refused and begun with")
            }
            return
        }
        if let server { try check(server, of: call, place) }
        guard let answer = HTTP1Message(client.received) else {
            guard call.isCutOff else {
                throw Broken(what: "\(place) hangs: \(client.received.count), \(String(describing: client.end))")
            }
            return
        }
        guard answer.head.hasPrefix("HTTP/1.1 200"), answer.head.contains("x-place: \(place)\r\n") else {
            throw Broken(what: "\(place) was answered by \(answer.head)")
        }
        guard answer.content == call.answerContent else { throw Broken(what: "another answer to \(place)") }
    }

    private func check(_ server: StreamUser, of call: Call, _ place: Int) throws {
        let request = HTTP1Message(server.received)
        guard let request else {
            // Who answers early, or is left, need not hear all; but nothing else.
            guard call.isEarly || call.isCutOff else { throw Broken(what: "\(place) was not heard") }
            return
        }
        guard request.head.hasPrefix("POST /\(place) HTTP/1.1\r\n"), request.content == call.requestContent else {
            throw Broken(what: "another request than \(place)")
        }
    }
}

/// One whole message of HTTP/1.1 whose end is told by itself.
struct HTTP1Message {
    let head: String
    private(set) var content: [UInt8] = []

    /// - Returns: nil where it is none, not whole, or more than one.
    init?(_ bytes: [UInt8]) {
        guard let end = bytes.indices.first(where: { bytes[$0...].starts(with: "\r\n\r\n".utf8) }) else { return nil }
        head = String(decoding: bytes[..<(end + 4)], as: UTF8.self)
        var rest = bytes[(end + 4)...]
        let fields = head.lowercased()
        guard fields.contains("\r\ntransfer-encoding: chunked\r\n") else {
            let length = fields.split(separator: "\r\n").first { $0.hasPrefix("content-length: ") }
                .flatMap { Int($0.dropFirst(16)) }
            content = Array(rest)
            if content.count != length ?? 0 { return nil }
            return
        }
        while true {
            let line = rest.prefix { $0 != ASCII.cr }
            guard let size = Int(String(decoding: line, as: UTF8.self), radix: 16),
                rest.count >= line.count + size + 4 || size == 0
            else { return nil }
            rest = rest.dropFirst(line.count + 2)
            guard size > 0 else { break }
            content += rest.prefix(size)
            rest = rest.dropFirst(size + 2)
        }
        guard rest.suffix(4).elementsEqual("\r\n\r\n".utf8) || rest.elementsEqual("\r\n".utf8) else { return nil }
    }
}
