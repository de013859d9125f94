// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import TurnpikeProxyCore

/// What an upstream may not send (RFC 9113 §4 to §8), and what it costs: its stream, or its connection.
@Suite struct HTTP2UpstreamFaultTests {
    struct Fault: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let code: HTTP2ErrorCode
        let bytes: [UInt8]

        init(_ name: String, _ code: HTTP2ErrorCode, _ frames: HTTP2Frame...) {
            testDescription = name
            self.code = code
            bytes = frames.flatMap(\.bytes)
        }
    }

    /// A request that waits for its answer, one whose answer has begun, and one that is over.
    private func rig() -> HTTP2UpstreamRig {
        let rig = HTTP2UpstreamRig()
        for _ in 0..<3 { rig.ask() }
        rig.send(.answer(3, endsStream: false), .answer(5))
        return rig
    }

    private static let padding = [UInt8](repeating: 0, count: 16_385)

    static let connectionFaults: [Fault] = [
        Fault("a frame too large", .frameSizeError, HTTP2Frame(.data, stream: 1, padding)),
        Fault("content of no stream", .protocolError, .data(0, "x")),
        Fault("content of an idle stream", .protocolError, .data(7, "x")),
        Fault("content of a stream of its own", .protocolError, .data(2, "x")),
        Fault("more padding than payload", .protocolError, HTTP2Frame(.data, .padded, stream: 3, [2, 0])),
        Fault("an answer to nothing", .protocolError, .answer(7)),
        Fault("an answer of no stream", .protocolError, .answer(0)),
        Fault("a stream of its own", .protocolError, .answer(2)),
        Fault("a push", .protocolError, HTTP2Frame(.pushPromise, .endHeaders, stream: 1, [0, 0, 0, 2, 0x88])),
        Fault("the wish to push", .protocolError, .settings([(2, 1)])),
        Fault("a block that cannot be read", .compressionError, HTTP2Frame(.headers, .endHeaders, stream: 1, [0xFF])),
        Fault(
            "a block that cannot be read, of a stream that is over", .compressionError,
            HTTP2Frame(.headers, .endHeaders, stream: 5, [0xFF])),
        Fault(
            "something within a block", .protocolError, HTTP2Frame(.headers, stream: 1, [0x88]), .data(3, "x")),
        Fault("a block goes on that has not begun", .protocolError, HTTP2Frame(.continuation, stream: 1, [0x88])),
        Fault("a reset of an idle stream", .protocolError, .reset(7)),
        Fault("a reset of no form", .frameSizeError, HTTP2Frame(.resetStream, stream: 1, [0, 0, 0])),
        Fault("settings of a stream", .protocolError, HTTP2Frame(.settings, stream: 1)),
        Fault("settings of no form", .frameSizeError, HTTP2Frame(.settings, [], [0, 3, 0, 0, 0])),
        Fault("a first window beyond all bounds", .flowControlError, .settings([(4, 1 << 31)])),
        Fault("frames smaller than allowed", .protocolError, .settings([(5, 16_383)])),
        Fault("a ping of no form", .frameSizeError, HTTP2Frame(.ping, [], [0])),
        Fault("a goodbye of a stream", .protocolError, HTTP2Frame(.goAway, stream: 1, [UInt8](repeating: 0, count: 8))),
        Fault("a goodbye of no form", .frameSizeError, HTTP2Frame(.goAway, [], [0])),
        Fault("a window that grows by nothing", .protocolError, .windowUpdate(by: 0)),
        Fault("a window beyond all bounds", .flowControlError, .windowUpdate(by: 0x7FFF_FFFF)),
        Fault("a window of an idle stream", .protocolError, .windowUpdate(7, by: 1)),
    ]

    @Test(arguments: connectionFaults)
    func `a fault of the connection's ends it with every request`(fault: Fault) {
        let rig = rig()
        rig.send(fault.bytes)
        #expect(rig.goodbye == fault.code && rig.connection.isOver && !rig.connection.hasRoom)
        #expect(rig.users.map(\.end) == [.ended, .ended, nil])
    }

    static let streamFaults: [Fault] = [
        Fault("content before any head", .protocolError, .data(1, "x")),
        Fault("a head without a status", .protocolError, .head(1, [("x-a", "b")])),
        Fault("a status twice", .protocolError, .head(1, [(":status", "200"), (":status", "200")])),
        Fault("a status behind fields", .protocolError, .head(1, [("x-a", "b"), (":status", "200")])),
        Fault("a status that is none", .protocolError, .answer(1, "20")),
        Fault("a request's pseudo-field", .protocolError, .answer(1, "200", [(":path", "/")])),
        Fault("protocols switched", .protocolError, .answer(1, "101", endsStream: false)),
        Fault("an interim answer at the end", .protocolError, .answer(1, "103")),
        Fault("a name in upper case", .protocolError, .answer(1, "200", [("X-A", "b")])),
        Fault("a line break in a value", .protocolError, .answer(1, "200", [("x-a", "b\r\nx-c: d")])),
        Fault("a field of the connection's", .protocolError, .answer(1, "200", [("connection", "close")])),
        Fault("a coding of transfer", .protocolError, .answer(1, "200", [("transfer-encoding", "chunked")])),
        Fault(
            "two lengths", .protocolError, .answer(1, "200", [("content-length", "1"), ("content-length", "1")])),
        Fault(
            "a length that is none", .protocolError, .answer(1, "200", [("content-length", "+1")], endsStream: false)),
        Fault(
            "less than was announced", .protocolError, .answer(1, "200", [("content-length", "2")], endsStream: false),
            .data(1, "x", endsStream: true)),
        Fault(
            "more than was announced", .protocolError, .answer(1, "200", [("content-length", "2")], endsStream: false),
            .data(1, "xyz")),
        Fault(
            "trailers before all that was announced", .protocolError,
            .answer(1, "200", [("content-length", "2")], endsStream: false), .head(1, [("x-sum", "1")])),
        Fault(
            "trailers that do not end", .protocolError, .answer(1, endsStream: false),
            .head(1, [("x-sum", "1")], endsStream: false)),
        Fault(
            "a pseudo-field behind content", .protocolError, .answer(1, endsStream: false),
            .head(1, [(":status", "200")])),
        Fault(
            "more fields than a head may have", .protocolError,
            .answer(1, "200", (0...100).map { ("x-\($0)", "") }, endsStream: false)),
        Fault("a window that grows by nothing", .protocolError, .windowUpdate(1, by: 0)),
        Fault("a window beyond all bounds", .flowControlError, .windowUpdate(1, by: 0x7FFF_FFFF)),
    ]

    @Test(arguments: streamFaults)
    func `a fault of an answer's ends its request, and the others go on`(fault: Fault) {
        let rig = rig()
        rig.send(fault.bytes)
        #expect(rig.reset(on: 1) == fault.code && rig.goodbye == nil)
        rig.send(.data(1, "late"), .data(3, "x", endsStream: true))
        #expect(rig.users.map(\.end) == [.ended, nil, nil])
        #expect(rig.users[1].text.hasSuffix("1\r\nx\r\n0\r\n\r\n") && rig.connection.hasRoom)
        #expect(!rig.users[0].text.contains("\r\nx-c: d"))
    }

    @Test func `who says something else than settings first speaks no HTTP-2`() {
        for bytes in [HTTP2Frame(.ping, [], [UInt8](repeating: 0, count: 8)).bytes, Array("HTTP/1.1 400 Bad".utf8)] {
            let rig = HTTP2UpstreamRig(settings: nil)
            let user = rig.ask()
            rig.send(bytes)
            #expect(rig.connection.isOver && user.end == .ended)
        }
    }

    @Test func `who sends more than the windows allow is left`() {
        let rig = rig()
        rig.users.forEach { $0.stream?.setReading(false) }
        let piece = [UInt8](repeating: 7, count: 16_384)
        for _ in 0..<16 { rig.send(.data(3, piece)) }
        #expect(rig.goodbye == nil && rig.reset(on: 3) == nil)
        rig.send(.data(3, "x"))
        #expect(rig.reset(on: 3) == .flowControlError && rig.users[1].end == .ended)
    }

    // MARK: - Floods

    static let floods: [Fault] = [
        Fault("pings", .enhanceYourCalm, HTTP2Frame(.ping, [], [UInt8](repeating: 0, count: 8))),
        Fault("settings", .enhanceYourCalm, .settings()),
        Fault("content without bytes", .enhanceYourCalm, .data(3, "")),
        Fault("priorities", .enhanceYourCalm, HTTP2Frame(.priority, stream: 1, [0, 0, 0, 0, 1])),
        Fault("frames of no meaning", .enhanceYourCalm, HTTP2Frame(number: 99)),
        Fault("windows", .enhanceYourCalm, .windowUpdate(by: 1)),
        Fault("content that nobody waits for", .enhanceYourCalm, .data(5, "x")),
        Fault("answers that nobody waits for", .enhanceYourCalm, .answer(5, endsStream: false)),
    ]

    @Test(arguments: floods)
    func `an upstream that goes on for nothing is left`(flood: Fault) {
        let rig = rig()
        var count = 0
        while !rig.connection.isOver, count < 100_000 {
            rig.send(flood.bytes)
            count += 1
        }
        #expect(rig.goodbye == flood.code && count > 5000)
    }

    @Test func `a head without an end is cut off`() {
        for piece in [[UInt8](), [UInt8](repeating: 0, count: 16_384)] {
            let rig = rig()
            rig.send(HTTP2Frame(.headers, stream: 1, [0x88]))
            for _ in 0..<16 { rig.send(HTTP2Frame(.continuation, stream: 1, piece)) }
            #expect(rig.goodbye == .enhanceYourCalm)
        }
        let rig = rig()
        rig.send(HTTP2Frame(.headers, stream: 1, [0x88]))
        rig.now = rig.connection.deadline
        rig.connection.timerFired(now: rig.now)
        rig.settle()
        #expect(rig.goodbye == .enhanceYourCalm)
    }

    @Test func `answers to what an upstream asks do not pile up`() {
        let rig = rig()
        rig.connection.writability(false, now: rig.now)
        for _ in 0..<1001 { rig.deliver(HTTP2Frame(.ping, [], [UInt8](repeating: 0, count: 8)).bytes) }
        #expect(rig.connection.isOver)
    }
}
