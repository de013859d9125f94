// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import TurnpikeProxyCore

/// What a client may not send (RFC 9113 §4 to §8), and what it costs: its stream, or its connection.
@Suite struct HTTP2FaultTests {
    /// A request under way, one that waits for its answer, and one that is over.
    private func rig() throws -> HTTP2Rig {
        let rig = HTTP2Rig()
        rig.send(.post(1), .get(3), .get(5))
        try #require(rig.users[5]).answer()
        rig.settle()
        return rig
    }

    struct Fault: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let code: HTTP2ErrorCode
        var stream: UInt32 = 0
        let bytes: [UInt8]

        /// - Parameter stream: the one that is reset; 0 where the connection ends.
        init(_ name: String, _ code: HTTP2ErrorCode, stream: UInt32 = 0, _ frames: HTTP2Frame...) {
            testDescription = name
            self.code = code
            self.stream = stream
            bytes = frames.flatMap(\.bytes)
        }
    }

    private static let open: FrameFlags = []
    private static let pieceOfHead = HTTP2Frame(.headers, stream: 7, HTTP2Frame.block(HTTP2Frame.request("GET")))

    static let connectionFaults: [Fault] = [
        Fault("a frame too large", .frameSizeError, HTTP2Frame(.data, stream: 1, [UInt8](repeating: 0, count: 16_385))),
        Fault(
            "an unknown frame too large", .frameSizeError,
            HTTP2Frame(number: 99, [], [UInt8](repeating: 0, count: 16_385))),
        Fault("content of no stream", .protocolError, .data(0, "x")),
        Fault("content of an idle stream", .protocolError, .data(9, "x")),
        Fault("content of a stream of the server's", .protocolError, .data(2, "x")),
        Fault("more padding than payload", .protocolError, HTTP2Frame(.data, .padded, stream: 1, [2, 0])),
        Fault("padding of no length", .protocolError, HTTP2Frame(.data, .padded, stream: 1)),
        Fault("a head of no stream", .protocolError, .get(0)),
        Fault("a head of a stream of the server's", .protocolError, .get(8)),
        Fault("a head of a stream that was passed over", .protocolError, .get(11), .get(9)),
        Fault("a second head of a stream that is over", .protocolError, .get(5)),
        Fault(
            "more padding than head", .protocolError,
            HTTP2Frame(.headers, [.padded, .endHeaders], stream: 7, [5, 0x82, 0, 0, 0])),
        Fault(
            "a priority cut short", .frameSizeError,
            HTTP2Frame(.headers, [.priority, .endHeaders], stream: 7, [0, 0, 0, 0])),
        Fault("a block that cannot be read", .compressionError, HTTP2Frame(.headers, .endHeaders, stream: 7, [0xFF])),
        Fault(
            "a block that cannot be read, of a stream that is over", .compressionError,
            HTTP2Frame(.headers, .endHeaders, stream: 5, [0xFF])),
        Fault("a priority of no stream", .protocolError, HTTP2Frame(.priority, stream: 0, [0, 0, 0, 0, 0])),
        Fault("a priority of no form", .frameSizeError, HTTP2Frame(.priority, stream: 1, [0, 0, 0, 0])),
        Fault("a reset of no stream", .protocolError, .reset(0)),
        Fault("a reset of an idle stream", .protocolError, .reset(9)),
        Fault("a reset of no form", .frameSizeError, HTTP2Frame(.resetStream, stream: 1, [0, 0, 0])),
        Fault("settings of a stream", .protocolError, HTTP2Frame(.settings, stream: 1)),
        Fault("settings of no form", .frameSizeError, HTTP2Frame(.settings, [], [0, 3, 0, 0, 0])),
        Fault(
            "settings acknowledged with content", .frameSizeError,
            HTTP2Frame(.settings, .acknowledges, [0, 3, 0, 0, 0, 1])),
        Fault("pushing neither on nor off", .protocolError, .settings([(2, 2)])),
        Fault("a first window beyond all bounds", .flowControlError, .settings([(4, 1 << 31)])),
        Fault("frames smaller than allowed", .protocolError, .settings([(5, 16_383)])),
        Fault("frames larger than allowed", .protocolError, .settings([(5, 1 << 24)])),
        Fault(
            "a first window that lets one overflow", .flowControlError, .windowUpdate(1, by: 0x7FFF_FFFF - 65_535),
            .settings([(4, 65_536)])),
        Fault("a push", .protocolError, HTTP2Frame(.pushPromise, .endHeaders, stream: 1, [0, 0, 0, 2, 0x82])),
        Fault("a ping of a stream", .protocolError, HTTP2Frame(.ping, stream: 1, [UInt8](repeating: 0, count: 8))),
        Fault("a ping of no form", .frameSizeError, HTTP2Frame(.ping, [], [UInt8](repeating: 0, count: 6))),
        Fault("a goodbye of a stream", .protocolError, HTTP2Frame(.goAway, stream: 1, [UInt8](repeating: 0, count: 8))),
        Fault("a goodbye of no form", .frameSizeError, HTTP2Frame(.goAway, [], [UInt8](repeating: 0, count: 7))),
        Fault("a window of no form", .frameSizeError, HTTP2Frame(.windowUpdate, stream: 1, [0, 0, 1])),
        Fault("a window of an idle stream", .protocolError, .windowUpdate(9, by: 1)),
        Fault("a window that grows by nothing", .protocolError, .windowUpdate(by: 0)),
        Fault("a window that overflows", .flowControlError, .windowUpdate(by: 0x7FFF_FFFF)),
        Fault("the rest of no head", .protocolError, HTTP2Frame(.continuation, .endHeaders, stream: 1, [0x82])),
        Fault(
            "the rest of a head that was whole", .protocolError, .get(7),
            HTTP2Frame(.continuation, .endHeaders, stream: 7, [0x82])),
        Fault(
            "the rest of another head", .protocolError, pieceOfHead, HTTP2Frame(.continuation, .endHeaders, stream: 9)),
        Fault("content within a head", .protocolError, pieceOfHead, .data(1, "x")),
        Fault("another head within a head", .protocolError, pieceOfHead, .get(9)),
        Fault(
            "a ping within a head", .protocolError, pieceOfHead, HTTP2Frame(.ping, [], [UInt8](repeating: 0, count: 8))),
        Fault("an unknown frame within a head", .protocolError, pieceOfHead, HTTP2Frame(number: 99, stream: 7)),
    ]

    @Test(arguments: connectionFaults)
    func `the connection ends with its reason, and all are told`(fault: Fault) throws {
        let rig = try rig()
        rig.send(fault.bytes)
        #expect(rig.goodbye == fault.code)
        #expect(rig.connection.isOver)
        #expect(try #require(rig.users[1]).hasEnded)
        #expect(try #require(rig.users[3]).hasEnded)
        // What comes behind it is read by nobody.
        let count = rig.frames.count
        rig.send(.get(13), HTTP2Frame(.ping, [], [UInt8](repeating: 0, count: 8)))
        #expect(rig.frames.count == count)
        #expect(rig.users[13] == nil)
    }

    private static func faultyHead(_ name: String, _ fields: [(String, String)], endsStream: Bool = true) -> Fault {
        Fault(name, .protocolError, stream: 7, .head(7, fields, endsStream: endsStream))
    }

    private static let get = HTTP2Frame.request("GET")

    static let streamFaults: [Fault] = [
        Fault("content behind the end", .streamClosed, stream: 3, .data(3, "x")),
        Fault("trailers behind the end", .streamClosed, stream: 3, .head(3, [("a", "b")])),
        Fault("trailers of a stream that is over", .streamClosed, stream: 5, .head(5, [("a", "b")])),
        Fault("trailers that are not the end", .protocolError, stream: 1, .head(1, [("a", "b")], endsStream: false)),
        Fault("trailers with a field of the request's", .protocolError, stream: 1, .head(1, [(":path", "/")])),
        Fault("trailers in upper case", .protocolError, stream: 1, .head(1, [("A", "b")])),
        Fault("a window that grows by nothing", .protocolError, stream: 1, .windowUpdate(1, by: 0)),
        Fault("a window that overflows", .flowControlError, stream: 1, .windowUpdate(1, by: 0x7FFF_FFFF)),
        faultyHead("a name in upper case", get + [("X-A", "b")]),
        faultyHead("a name of nothing", get + [("", "b")]),
        faultyHead("a line break in a value", get + [("x-a", "b\r\nx: y")]),
        faultyHead("a field of the connection's", get + [("connection", "close")]),
        faultyHead("chunks", get + [("transfer-encoding", "chunked")], endsStream: false),
        faultyHead("a te of HTTP/1.1", get + [("te", "gzip")]),
        faultyHead("a connection to any host", [(":method", "CONNECT"), (":authority", "a.test:443")]),
        faultyHead("no method", Array(get[1...])),
        faultyHead("no scheme", [get[0]] + get[2...]),
        faultyHead("no path", [get[0], get[1], get[3]]),
        faultyHead("a path of nothing", [get[0], get[1], (":path", ""), get[3]]),
        faultyHead("two methods", [get[0]] + get),
        faultyHead("a field of an answer's", get + [(":status", "200")]),
        faultyHead("an unknown field of the request's", [(":other", "x")] + get),
        faultyHead("a field of the request's behind others", [get[0], get[1], ("x-a", "b"), get[2], get[3]]),
        faultyHead("a length without content", get + [("content-length", "5")]),
        faultyHead("two lengths", get + [("content-length", "0"), ("content-length", "0")]),
        Fault("more content than announced", .protocolError, stream: 7, .post(7, length: 3), .data(7, "four")),
        Fault(
            "less content than announced", .protocolError, stream: 7, .post(7, length: 3),
            .data(7, "x", endsStream: true)),
        Fault("content where none was announced", .protocolError, stream: 7, .post(7, length: 0), .data(7, "x")),
        Fault(
            "trailers before the content is whole", .protocolError, stream: 7, .post(7, length: 3),
            .head(7, [("a", "b")])),
    ]

    @Test(arguments: streamFaults)
    func `the stream is reset with its reason, and others go on`(fault: Fault) throws {
        let rig = try rig()
        rig.send(fault.bytes)
        #expect(rig[fault.stream].reset == fault.code)
        #expect(rig.goodbye == nil)
        if let victim = rig.users[fault.stream], fault.stream != 5 { #expect(victim.hasEnded) }

        rig.send(.post(9), .data(9, "still here", endsStream: true))
        #expect(try #require(rig.users[9]).text.hasSuffix("a\r\nstill here\r\n0\r\n\r\n"))
        try #require(rig.users[9]).answer("and answered")
        rig.settle()
        #expect(rig[9].text == "and answered")
        #expect(rig[9].isWhole)
    }

    @Test(arguments: streamFaults)
    func `why a message is malformed is told once, and of nothing else`(fault: Fault) throws {
        let rig = try rig()
        rig.send(fault.bytes)
        let isMalformed = fault.code == .protocolError && !fault.testDescription.contains("window")
        let told = rig.refusals + rig.users.values.compactMap(\.fault)
        #expect(told.count == (isMalformed ? 1 : 0), "\(told)")
        #expect(rig.users[7] == nil || rig.refusals.isEmpty)
    }

    /// Of requests that nobody serves yet.
    private static let unserved = streamFaults.filter { $0.stream == 7 && !$0.testDescription.contains("announced") }
        .filter { !$0.testDescription.contains("trailers") }

    @Test(arguments: unserved)
    func `a request that is malformed is answered before its stream ends, and others go on`(fault: Fault) throws {
        let rig = try rig()
        rig.refusalAnswer = "HTTP/1.1 400 Bad Request\r\nContent-Length: 3\r\n\r\nbad"
        rig.send(fault.bytes)
        let answer = rig[7]
        #expect(answer.blocks == [[":status: 400", "content-length: 3"]] && answer.text == "bad")
        #expect(answer.isWhole && !answer.isBroken)
        // What the client has not said of it, it need not say.
        #expect(answer.reset == (fault.testDescription == "chunks" ? .noError : nil))
        #expect(rig.refusals.count == 1 && rig.users[7] == nil && rig.goodbye == nil)

        rig.send(.post(9), .data(9, "still here", endsStream: true))
        try #require(rig.users[9]).answer("and answered")
        rig.settle()
        #expect(rig[9].text == "and answered" && rig[9].isWhole)
    }

    @Test func `an answer to what is malformed that finds no room is not waited for`() throws {
        let rig = HTTP2Rig(settings: [(4, 2)])
        rig.refusalAnswer = "HTTP/1.1 400 Bad Request\r\nContent-Length: 3\r\n\r\nbad"
        for number in 0..<HTTP2Connection.concurrentStreams + 50 {
            let stream = UInt32(2 * number + 1)
            rig.send(.head(stream, Self.get + [("connection", "close")]))
            #expect(rig[stream].reset == .protocolError && !rig[stream].isWhole)
        }
        #expect(rig.goodbye == nil)
    }

    /// Of requests that somebody serves, as far as their answer has not begun.
    private static let served = streamFaults.filter {
        $0.code == .protocolError && !$0.testDescription.contains("window")
    }
    .filter { $0.stream == 1 || $0.testDescription.contains("than announced") || $0.testDescription.contains("whole") }

    @Test(arguments: served, [false, true])
    func `who serves a request may answer what is malformed behind its head`(fault: Fault, hasBegun: Bool) throws {
        let rig = HTTP2Rig()
        rig.reaction = { user in
            user.whenMalformed = { user in
                if !hasBegun { user.send("HTTP/1.1 400 Bad Request\r\nContent-Length: 3\r\n\r\nbad") }
                user.close()
            }
            // Which is whole once whoever gives it says so.
            if hasBegun { user.send("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\npart") }
        }
        rig.send(.post(1), .get(3), .get(5))
        rig.send(fault.bytes)
        let answer = rig[fault.stream]
        if hasBegun {
            #expect(answer.text == "part" && !answer.isWhole && answer.reset == .protocolError)
        } else {
            #expect(answer.blocks.first?.first == ":status: 400" && answer.text == "bad" && answer.isWhole)
            #expect([nil, .noError].contains(answer.reset) && !answer.isBroken)
        }
        #expect(rig.users.values.compactMap(\.fault).count == 1 && rig.goodbye == nil)
    }

    @Test func `a request that nobody was told of, since it waited for its first content, is answered too`() throws {
        let rig = HTTP2Rig()
        rig.refusalAnswer = "HTTP/1.1 400 Bad Request\r\nContent-Length: 3\r\n\r\nbad"
        rig.send(.post(1, length: 0))
        let user = try #require(rig.users[1])
        user.whenMalformed = { $0.close() }
        rig.send(.data(1, "x"))
        #expect(user.received.isEmpty && user.isClosed && rig.refusals == [.wrongLength])
        #expect(rig[1].text == "bad" && rig[1].isWhole && rig[1].reset == .noError && rig.goodbye == nil)
    }

    @Test(arguments: connectionFaults)
    func `why a connection ends is told once`(fault: Fault) throws {
        let rig = try rig()
        rig.send(fault.bytes)
        let expected: HTTP2ConnectionFault =
            switch fault.code {
            case .frameSizeError: .frameSizeError
            case .flowControlError: .flowControlError
            case .compressionError: .compressionError
            default: .protocolError
            }
        #expect(rig.failures == [expected])
        // That it ends in order accuses nobody.
        let other = try self.rig()
        other.connection.drain(now: other.now)
        other.connection.lost()
        #expect(other.failures.isEmpty)
    }

    static let passedOver: [Fault] = [
        Fault("an unknown frame", .noError, HTTP2Frame(number: 99, .endStream, stream: 1, [1, 2, 3])),
        Fault("an unknown frame of an idle stream", .noError, HTTP2Frame(number: 99, stream: 200)),
        Fault("an unknown setting", .noError, .settings([(99, 1)])),
        Fault("a priority", .noError, HTTP2Frame(.priority, stream: 1, [0, 0, 0, 0, 0])),
        Fault("a priority of an idle stream", .noError, HTTP2Frame(.priority, stream: 11, [0, 0, 0, 0, 0])),
        Fault("a priority of a stream that is over", .noError, HTTP2Frame(.priority, stream: 5, [0, 0, 0, 0, 0])),
        Fault("a window of a stream that is over", .noError, .windowUpdate(5, by: 1)),
        Fault("a reset of a stream that is over", .noError, .reset(5)),
        Fault("content of a stream that is over", .noError, .data(5, "x")),
        Fault(
            "flags of no meaning", .noError, HTTP2Frame(.windowUpdate, [.padded, .priority], stream: 1, [0, 0, 0, 1])),
        Fault("a reserved bit", .noError, HTTP2Frame(.windowUpdate, stream: 1 << 31 | 1, [0x80, 0, 0, 1])),
        Fault("the answer to a ping", .noError, HTTP2Frame(.ping, .acknowledges, [UInt8](repeating: 0, count: 8))),
        Fault("settings acknowledged", .noError, HTTP2Frame(.settings, .acknowledges)),
        Fault("content of nothing", .noError, .data(1, "")),
    ]

    @Test(arguments: passedOver)
    func `what says nothing here changes nothing`(frame: Fault) throws {
        let rig = try rig()
        let told = try #require(rig.users[1]).received
        rig.send(frame.bytes)
        #expect(rig.goodbye == nil)
        #expect(rig.answers.values.allSatisfy { $0.reset == nil })
        rig.send(.data(1, "x", endsStream: true))
        let user = try #require(rig.users[1])
        #expect(user.received == told + Array("1\r\nx\r\n0\r\n\r\n".utf8))
        #expect(!user.hasEnded)
    }

    static let beginnings: [Fault] = [
        Fault("settings that are acknowledged", .protocolError, HTTP2Frame(.settings, .acknowledges)),
        Fault("a head", .protocolError, .get(1)),
        Fault("an unknown frame", .protocolError, HTTP2Frame(number: 99)),
    ]

    @Test(arguments: beginnings)
    func `a connection begins with settings`(fault: Fault) {
        let rig = HTTP2Rig(settings: nil)
        rig.send(HTTP2Frame.preface + fault.bytes)
        #expect(rig.goodbye == .protocolError)
        #expect(rig.users.isEmpty)
    }

    @Test(arguments: ["GET / HTTP/1.1\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\rx", "x"])
    func `who does not begin with the preface speaks something else`(text: String) {
        let rig = HTTP2Rig(settings: nil)
        rig.send(Array(text.utf8))
        #expect(rig.goodbye == .protocolError)
        #expect(rig.connection.isOver)
    }
}
