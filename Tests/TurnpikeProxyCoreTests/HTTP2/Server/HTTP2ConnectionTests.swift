// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import TurnpikeProxyCore

/// How a connection begins and ends, and what a client may ask of it.
@Suite struct HTTP2ConnectionTests {
    @Test func `the server says first what it takes`() throws {
        let rig = HTTP2Rig(settings: nil)
        rig.settle()
        let settings = try #require(rig.frames.first)
        #expect(settings.kind == FrameKind.settings.rawValue)
        #expect(settings.payload == HTTP2Frame.settings([(1, 4096), (3, 100), (4, 256 << 10), (6, 32 << 10)]).payload)
        #expect(rig.frames.dropFirst() == [.windowUpdate(by: (1 << 20) - 65_535)])
    }

    @Test func `settings and pings are answered in their order`() {
        let rig = HTTP2Rig()
        rig.send(HTTP2Frame(.ping, [], Array(1...8)), .settings([(4, 10)]), HTTP2Frame(.ping, [], Array(2...9)))
        #expect(
            rig.frames.suffix(4) == [
                HTTP2Frame(.settings, .acknowledges), HTTP2Frame(.ping, .acknowledges, Array(1...8)),
                HTTP2Frame(.settings, .acknowledges), HTTP2Frame(.ping, .acknowledges, Array(2...9)),
            ])
    }

    @Test func `bytes may come one by one`() throws {
        let rig = HTTP2Rig(settings: nil)
        let sent =
            HTTP2Frame.preface + HTTP2Frame.settings().bytes + HTTP2Frame.post(1).bytes
            + HTTP2Frame.data(1, Array("content".utf8), padding: 9).bytes
            + HTTP2Frame.data(1, "", endsStream: true).bytes
        for byte in sent { rig.send([byte]) }
        let user = try #require(rig.users[1])
        #expect(
            user.text == """
                POST / HTTP/1.1\r
                host: api.acme.test\r
                transfer-encoding: chunked\r
                \r
                7\r
                content\r
                0\r
                \r

                """)
    }

    @Test func `a head may come in pieces`() throws {
        let block = HTTP2Frame.block(HTTP2Frame.request("GET") + [("x-a", "b")])
        let rig = HTTP2Rig()
        rig.send(
            HTTP2Frame(.headers, .endStream, stream: 1, Array(block[..<3])), HTTP2Frame(.continuation, stream: 1),
            HTTP2Frame(.continuation, .endHeaders, stream: 1, Array(block[3...])))
        #expect(try #require(rig.users[1]).text.hasSuffix("\r\nx-a: b\r\n\r\n"))
    }

    @Test func `padding and priority are no part of a head`() throws {
        let block = HTTP2Frame.block(HTTP2Frame.request("GET"))
        let rig = HTTP2Rig()
        rig.send(
            HTTP2Frame(
                .headers, [.padded, .priority, .endHeaders, .endStream], stream: 1,
                [3, 0, 0, 0, 0, 16] + block + [0, 0, 0]))
        #expect(try #require(rig.users[1]).text == "GET / HTTP/1.1\r\nhost: api.acme.test\r\n\r\n")
    }

    // MARK: - Ends

    @Test func `who is drained takes no more streams, and ends with the last`() throws {
        let rig = HTTP2Rig()
        rig.send(.get(1))
        rig.connection.drain(now: rig.now)
        rig.send(.get(3))
        #expect(rig.frames.last == HTTP2Frame(.goAway, [], HTTP2Frame.word(1) + HTTP2Frame.word(0)))
        #expect(rig.users[3] == nil)
        #expect(!rig.connection.isOver)
        try #require(rig.users[1]).answer("bye")
        rig.settle()
        #expect(rig[1].text == "bye")
        #expect(rig.connection.isOver)
    }

    @Test func `a client that leaves gets what it asked for`() throws {
        let rig = HTTP2Rig()
        rig.send(.get(1), HTTP2Frame(.goAway, [], [UInt8](repeating: 0, count: 8)))
        try #require(rig.users[1]).answer("bye")
        rig.settle()
        #expect(rig[1].isWhole)
        #expect(rig.connection.isOver)
    }

    @Test func `no more streams are taken at once than was said`() throws {
        let rig = HTTP2Rig()
        for number in 0..<101 { rig.send(.get(UInt32(2 * number + 1))) }
        #expect(rig.users.count == 100)
        #expect(rig[201].reset == .refusedStream)
        try #require(rig.users[7]).answer()
        rig.send(.get(203))
        #expect(rig.users[203] != nil)
    }

    @Test func `a stream that nobody serves is refused`() {
        let rig = HTTP2Rig()
        rig.serves = false
        rig.send(.get(1))
        #expect(rig[1].reset == .refusedStream)
        #expect(rig.goodbye == nil)
    }

    // MARK: - Time

    @Test func `a client that says nothing is left`() {
        let rig = HTTP2Rig(settings: nil)
        #expect(rig.connection.deadline == rig.now + GatewayLimits().headTimeout)
        rig.passTime(10)
        rig.connection.timerFired(now: rig.now)
        rig.settle()
        #expect(rig.connection.isOver)
        #expect(rig.goodbye == .noError)
    }

    @Test func `a head that takes too long ends the connection`() {
        let rig = HTTP2Rig()
        rig.send(.get(1), HTTP2Frame(.headers, stream: 3, [0x82]))
        rig.passTime(9.9)
        rig.send(HTTP2Frame(.continuation, stream: 3, [0x87]))
        rig.connection.timerFired(now: rig.now)
        #expect(!rig.connection.isOver)
        rig.passTime(0.1)
        rig.connection.timerFired(now: rig.now)
        rig.settle()
        #expect(rig.goodbye == .enhanceYourCalm)
    }

    @Test func `only a connection without requests is idle`() throws {
        let rig = HTTP2Rig()
        rig.send(.get(1))
        #expect(rig.connection.deadline == .max)
        rig.passTime(100)
        try #require(rig.users[1]).answer()
        rig.settle()
        #expect(rig.connection.deadline == rig.connection.now + GatewayLimits().idleTimeout)
        rig.passTime(60)
        rig.connection.timerFired(now: rig.now)
        rig.settle()
        #expect(rig.goodbye == .noError)
    }

    // MARK: - Patience

    @Test func `streams that come to nothing are borne with for a while`() {
        let rig = HTTP2Rig()
        for number in 0..<200 { rig.send(.get(UInt32(2 * number + 1)), .reset(UInt32(2 * number + 1))) }
        #expect(rig.goodbye == nil)
        rig.send(.get(401), .reset(401))
        #expect(rig.goodbye == .enhanceYourCalm)
    }

    static let idle: [HTTP2Frame] = [
        HTTP2Frame(.ping, [], [UInt8](repeating: 0, count: 8)), .settings(), HTTP2Frame(number: 99),
        HTTP2Frame(.priority, stream: 1, [0, 0, 0, 0, 0]), .data(1, ""), .data(1, [], padding: 3), .reset(3),
        .data(3, "x"),
        .head(3, [("a", "b")]),
    ]

    @Test(arguments: idle) func `frames that move nothing are borne with for a while`(frame: HTTP2Frame) {
        let rig = HTTP2Rig()
        rig.send(.post(1), .get(3), .reset(3))
        for _ in 0..<900 { rig.send(frame) }
        #expect(rig.goodbye == nil)
        for _ in 0..<200 { rig.send(frame) }
        #expect(rig.goodbye == .enhanceYourCalm)
    }

    @Test func `windows may grow as often as answers ask for it`() throws {
        let rig = HTTP2Rig()
        for number in 0..<6000 {
            let stream = UInt32(2 * number + 1)
            // As browsers do: a larger window for each stream, though its answer may have no content.
            rig.send(.get(stream), .windowUpdate(stream, by: 1 << 20), .windowUpdate(by: 1))
            let user = try #require(rig.users[stream])
            user.send("HTTP/1.1 304 Not Modified\r\n\r\n")
            user.close()
            rig.forgetUsers()
        }
        #expect(rig.goodbye == nil)
        for _ in 0..<10_001 { rig.send(.windowUpdate(by: 1)) }
        #expect(rig.goodbye == .enhanceYourCalm)
    }
}
