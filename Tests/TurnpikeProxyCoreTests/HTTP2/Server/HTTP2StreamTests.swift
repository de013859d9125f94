// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import TurnpikeProxyCore

/// What the user of a stream may do, when it likes, and that nothing is left of a stream that is over.
@Suite struct HTTP2StreamTests {
    private let connectionWindow = HTTP2Connection.connectionWindow

    /// What may be sent, or be used, of the connection's window.
    private func free(_ rig: HTTP2Rig) -> Int { rig.connection.receiveWindow + rig.connection.credit }

    @Test func `a request is told as it comes`() throws {
        let rig = HTTP2Rig()
        rig.send(.post(1))
        let user = try #require(rig.users[1])
        #expect(user.text == "POST / HTTP/1.1\r\nhost: api.acme.test\r\ntransfer-encoding: chunked\r\n\r\n")
        rig.send(.data(1, "hello"))
        #expect(user.text.hasSuffix("\r\n\r\n5\r\nhello\r\n"))
        rig.send(.head(1, [("x-sum", "1"), ("content-length", "3")]))
        #expect(user.text.hasSuffix("hello\r\n0\r\nx-sum: 1\r\n\r\n"))
    }

    @Test func `content whose length was announced comes as it is`() throws {
        let rig = HTTP2Rig()
        rig.send(.post(1, length: 5), .data(1, "he"), .data(1, "llo"), .head(1, [("x-sum", "1")]))
        #expect(try #require(rig.users[1]).text.hasSuffix("\r\ncontent-length: 5\r\n\r\nhello"))
    }

    @Test func `a head that announces nothing waits for the end`() throws {
        let rig = HTTP2Rig()
        rig.send(.post(1, length: 0))
        let user = try #require(rig.users[1])
        #expect(user.received.isEmpty)
        rig.send(.data(1, "", endsStream: true))
        #expect(user.text.hasSuffix("\r\ncontent-length: 0\r\n\r\n"))
    }

    // MARK: - Pauses

    @Test func `what comes while nobody reads is told later, in order`() throws {
        let rig = HTTP2Rig()
        rig.send(.post(1, length: 9))
        let user = try #require(rig.users[1])
        let head = user.received
        user.stream.setReading(false)
        rig.send(.data(1, "one"), .data(1, "two"))
        #expect(user.received == head)
        user.stream.setReading(true)
        rig.deliver(HTTP2Frame.data(1, "six", endsStream: true).bytes)
        #expect(user.received == head)
        rig.settle()
        #expect(user.received == head + Array("onetwosix".utf8))
        #expect(free(rig) == connectionWindow)
    }

    @Test func `who pauses within what it is told hears no more of it`() throws {
        let rig = HTTP2Rig()
        rig.reaction = { $0.stream.setReading(false) }
        rig.send(.post(1, length: 6), .data(1, "one"), .data(1, "two", endsStream: true))
        let user = try #require(rig.users[1])
        #expect(user.text.hasSuffix("\r\n\r\n"))
        user.stream.setReading(true)
        rig.settle()
        #expect(user.text.hasSuffix("onetwo"))
    }

    @Test func `a client may send no more than is read`() throws {
        let rig = HTTP2Rig()
        rig.send(.post(1))
        try #require(rig.users[1]).stream.setReading(false)
        for _ in 0..<16 { rig.send(.data(1, [UInt8](repeating: 1, count: 16_384))) }
        #expect(rig[1].reset == nil)
        #expect(rig.frames(.windowUpdate, on: 1).isEmpty)
        #expect(free(rig) == connectionWindow - 256 << 10)
        rig.send(.data(1, "x"))
        #expect(rig[1].reset == .flowControlError)
        #expect(free(rig) == connectionWindow)
    }

    @Test func `all streams together may send no more than is read`() throws {
        let rig = HTTP2Rig()
        let piece = [UInt8](repeating: 1, count: 16_384)
        for stream in [1, 3, 5, 7, 9] as [UInt32] {
            rig.send(.post(stream))
            try #require(rig.users[stream]).stream.setReading(false)
            for _ in 0..<13 where rig.connection.receiveWindow >= piece.count { rig.send(.data(stream, piece)) }
        }
        #expect(rig.goodbye == nil)
        rig.send(.data(9, piece))
        #expect(rig.goodbye == .flowControlError)
    }

    @Test func `padding is room that comes back`() throws {
        let rig = HTTP2Rig()
        rig.send(.post(1))
        // More than a stream's window of it, and within patience.
        for _ in 0..<2000 {
            rig.passTime(0.02)
            rig.send(.data(1, [], padding: 255))
        }
        #expect(rig[1].reset == nil)
        #expect(rig.goodbye == nil)
        let granted = rig.frames(.windowUpdate, on: 1).reduce(0) { $0 + $1.word() }
        #expect(granted >= 2000 * 256 - 64 << 10)
        #expect(free(rig) == connectionWindow)
    }

    // MARK: - Ends

    enum Ending: CaseIterable { case answer, close, reset, clientReset, clientFault, lost, unread, fail }

    private func end(_ rig: HTTP2Rig, _ ending: Ending) throws {
        switch ending {
        case .answer: try #require(rig.users[1]).answer("done")
        case .close: try #require(rig.users[1]).close()
        case .reset: try #require(rig.users[1]).close(reset: true)
        case .clientReset: rig.send(.reset(1))
        case .clientFault: rig.send(.windowUpdate(1, by: 0))
        case .lost: rig.connection.lost()
        case .unread:
            // What it did not read it asks for, just before its client is gone.
            let stream = try #require(rig.users[1]).stream
            stream.setReading(false)
            rig.deliver(HTTP2Frame.data(1, "more").bytes)
            stream.setReading(true)
            rig.connection.lost()
        case .fail: rig.deliver(HTTP2Frame.data(0, "x").bytes)
        }
    }

    @Test(arguments: Ending.allCases, [true, false])
    func `nothing holds a stream that is over`(ending: Ending, isPaused: Bool) throws {
        weak var connection: HTTP2Connection?
        weak var stream: HTTP2Stream?
        weak var user: StreamUser?
        do {
            let rig = HTTP2Rig()
            rig.send(.post(1), .data(1, "one"))
            connection = rig.connection
            user = rig.users[1]
            stream = user?.stream
            if isPaused { stream?.setReading(false) }
            rig.deliver(HTTP2Frame.data(1, "two").bytes)
            try end(rig, ending)
            #expect(free(rig) == connectionWindow)
            // A transport whose socket is gone does not end its events.
            let isGone = [.lost, .unread].contains(ending)
            if !isGone { rig.settle() }
            rig.forgetUsers()
            #expect(user == nil)
            if !isGone { #expect(stream == nil) }
        }
        #expect(stream == nil)
        #expect(connection == nil)
    }

    @Test func `nothing is told once the client is gone`() throws {
        let rig = HTTP2Rig()
        rig.send(.post(1), .reset(1))
        let user = try #require(rig.users[1])
        #expect(user.hasEnded)
        let received = user.received
        user.answer("to nobody")
        rig.send(.data(1, "late"))
        #expect(user.received == received)
        #expect(rig[1].blocks.isEmpty)
        #expect(free(rig) == connectionWindow)
    }

    @Test func `who leaves within what it is told is told no more`() throws {
        let rig = HTTP2Rig()
        rig.reaction = { if $0.text.contains("one") { $0.answer("enough") } }
        rig.send(.post(1), .data(1, "one"), .data(1, "two"), .data(1, "", endsStream: true))
        let user = try #require(rig.users[1])
        #expect(user.text.hasSuffix("one\r\n"))
        #expect(rig[1].text == "enough")
        #expect(rig[1].reset == .noError)
        #expect(free(rig) == connectionWindow)
        #expect(rig.connection.streams.isEmpty)
    }

    // MARK: - What waits to be sent

    @Test func `who sends more than the client takes is told when there is room`() throws {
        let rig = HTTP2Rig()
        rig.send(.get(1))
        let user = try #require(rig.users[1])
        user.send("HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n")
        user.send([UInt8](repeating: 1, count: 65_535 + 65_536))
        rig.settle()
        #expect(user.writability == [])
        user.send([1])
        #expect(user.writability == [false])
        #expect(!user.stream.isSent)
        rig.send(.windowUpdate(by: 1 << 20), .windowUpdate(1, by: 32_768))
        #expect(user.writability == [false])
        rig.send(.windowUpdate(1, by: 2))
        #expect(user.writability == [false, true])
        rig.send(.windowUpdate(1, by: 1 << 20))
        #expect(user.timesSent == 1)
        #expect(user.stream.isSent)
        #expect(rig[1].content.count == 131_072)
    }

    @Test func `who is told that there is no room may leave at once`() throws {
        let rig = HTTP2Rig(settings: [(4, 0)])
        rig.send(.get(1))
        let user = try #require(rig.users[1])
        user.whenFull = { $0.close() }
        user.send("HTTP/1.1 200 OK\r\n\r\n" + String(repeating: "x", count: 100_000))
        rig.settle()
        #expect(rig[1].reset != nil)
        #expect(rig.connection.streams.isEmpty)
    }

    @Test func `where nothing can be sent nothing is`() throws {
        let rig = HTTP2Rig()
        rig.send(.get(1))
        rig.connection.writability(false, now: rig.now)
        let user = try #require(rig.users[1])
        user.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
        rig.settle()
        #expect(rig[1].content.isEmpty)
        #expect(!user.stream.isSent)
        rig.connection.writability(true, now: rig.now)
        rig.settle()
        #expect(rig[1].text == "hello")
        #expect(rig[1].isWhole)
    }

    @Test func `streams that are over do not wait for their turn`() throws {
        let rig = HTTP2Rig()
        rig.connection.writability(false, now: rig.now)
        for number in 0..<150 {
            let stream = UInt32(2 * number + 1)
            rig.send(.get(stream))
            try #require(rig.users[stream]).send("HTTP/1.1 200 OK\r\n\r\nwaits")
            rig.send(.reset(stream))
        }
        #expect(rig.connection.ready.isEmpty)
    }
}
