// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import TurnpikeProxyCore

/// How many streams a connection to an upstream has, and what becomes of them as it ends.
@Suite struct HTTP2UpstreamRoomTests {
    private let post = "POST / HTTP/1.1\r\nHost: api.acme.test\r\nTransfer-Encoding: chunked\r\n\r\n"

    @Test func `one request goes before the upstream has said how many it takes`() {
        let rig = HTTP2UpstreamRig(settings: nil)
        for _ in 0..<3 { rig.ask() }
        #expect(rig.blocks.keys.sorted() == [1])
        rig.send(.settings([(3, 2)]))
        #expect(rig.blocks.keys.sorted() == [1, 3] && !rig.connection.hasRoom)
        rig.send(.answer(1))
        #expect(rig.blocks.keys.sorted() == [1, 3, 5] && !rig.connection.hasRoom)
        rig.send(.answer(3))
        #expect(rig.connection.hasRoom)
    }

    @Test func `there is room for a hundred, whatever the upstream takes`() {
        let rig = HTTP2UpstreamRig(settings: [(3, 1 << 20)])
        for _ in 0..<100 {
            #expect(rig.connection.hasRoom)
            rig.ask()
        }
        #expect(!rig.connection.hasRoom && rig.blocks.count == 100)
    }

    @Test func `what is sent before the beginning follows the head`() {
        let rig = HTTP2UpstreamRig(settings: [(3, 1), (4, 10)])
        rig.ask()
        let late = rig.ask(post)
        late.send("5\r\nabcde\r\n")
        late.send("7\r\nfghijkl\r\n0\r\nX-Sum: 1\r\n\r\n")
        rig.settle()
        #expect(rig.blocks[3] == nil && late.stream?.isSent == false)
        rig.send(.answer(1))
        #expect(rig.content(on: 3) == Array("abcdefghij".utf8))
        rig.send(.windowUpdate(3, by: 100))
        #expect(rig.content(on: 3) == Array("abcdefghijkl".utf8) && rig.blocks[3]?.last == ["x-sum: 1"])
        #expect(late.timesSent == 1)
    }

    @Test func `heads wait while nothing that is sent finds room`() {
        let rig = HTTP2UpstreamRig()
        rig.connection.writability(false, now: rig.now)
        rig.ask()
        #expect(rig.blocks.isEmpty)
        rig.connection.writability(true, now: rig.now)
        rig.settle()
        #expect(rig.blocks.count == 1)
    }

    @Test func `a first window that changes changes those of streams, below zero if need be`() {
        let rig = HTTP2UpstreamRig(settings: [(4, 100)])
        let user = rig.ask(post)
        user.send("c8\r\n" + String(repeating: "x", count: 200) + "\r\n")
        rig.settle()
        #expect(rig.content(on: 1).count == 100)
        rig.send(.settings([(4, 20)]), .windowUpdate(1, by: 80))
        #expect(rig.content(on: 1).count == 100)
        rig.send(.windowUpdate(1, by: 30))
        #expect(rig.content(on: 1).count == 130)
        rig.send(.settings([(4, 1000)]))
        #expect(rig.content(on: 1).count == 200)
    }

    @Test func `more than fits makes who sends wait, until it is gone`() {
        let rig = HTTP2UpstreamRig()
        let user = rig.ask(post)
        let piece = "4000\r\n" + String(repeating: "x", count: 16_384) + "\r\n"
        for _ in 0..<10 { user.send(piece) }
        rig.settle()
        #expect(user.writability == [false] && rig.content(on: 1).count == 65_535)
        rig.send(.windowUpdate(by: 1 << 20), .windowUpdate(1, by: 1 << 20))
        #expect(user.writability == [false, true] && rig.content(on: 1).count == 163_840)
    }

    // MARK: - Refusals

    @Test func `a goodbye lets requests be that were looked at, and gives the others back`() {
        let rig = HTTP2UpstreamRig(settings: [(3, 3)])
        for _ in 0..<4 { rig.ask() }
        rig.send(.goAway(after: 3))
        #expect(rig.users.map(\.end) == [nil, nil, .refused, .refused] && !rig.connection.hasRoom)
        rig.send(.answer(1), .answer(3))
        #expect(rig.users.map(\.end) == [nil, nil, .refused, .refused])
        #expect(rig.users[1].text.hasPrefix("HTTP/1.1 200") && rig.connection.isOver)
    }

    @Test func `a goodbye that was announced takes nothing back`() {
        let rig = HTTP2UpstreamRig()
        for _ in 0..<2 { rig.ask() }
        rig.send(.goAway(after: 0x7FFF_FFFF))
        #expect(rig.users.map(\.end) == [nil, nil] && !rig.connection.hasRoom)
        rig.send(.goAway(after: 1))
        #expect(rig.users.map(\.end) == [nil, .refused])
    }

    @Test func `a refused stream is given back, but not once its answer has begun`() {
        let rig = HTTP2UpstreamRig()
        for _ in 0..<3 { rig.ask() }
        rig.send(
            .answer(3, endsStream: false), .reset(1, .refusedStream), .reset(3, .refusedStream), .reset(5, .cancel))
        #expect(rig.users.map(\.end) == [.refused, .ended, .ended] && rig.connection.hasRoom)
    }

    @Test func `what was never sent is given back when the connection is lost`() {
        let rig = HTTP2UpstreamRig(settings: [(3, 1)])
        for _ in 0..<2 { rig.ask() }
        rig.connection.lost()
        #expect(rig.users.map(\.end) == [.ended, .refused] && !rig.connection.hasRoom)
    }

    @Test func `an answer that is whole is told after the connection is lost too`() throws {
        let rig = HTTP2UpstreamRig()
        let user = rig.ask()
        try #require(user.stream).setReading(false)
        rig.send(.answer(1, endsStream: false), .data(1, "all", endsStream: true))
        user.stream?.setReading(true)
        rig.connection.lost()
        rig.settle()
        #expect(user.text.hasSuffix("3\r\nall\r\n0\r\n\r\n") && user.end == nil)
    }

    // MARK: - Ends

    @Test func `who takes its leave is over with its last stream`() {
        let rig = HTTP2UpstreamRig(settings: nil)
        rig.ask()
        rig.connection.leave()
        rig.send(.settings())
        #expect(!rig.connection.hasRoom && !rig.connection.isOver)
        rig.send(.answer(1))
        #expect(rig.connection.isOver && rig.goodbye == .noError)
    }

    @Test func `a connection without streams is over after a minute`() {
        let rig = HTTP2UpstreamRig()
        rig.ask()
        rig.passTime(100)
        rig.connection.timerFired(now: rig.now)
        rig.send(.answer(1))
        #expect(!rig.connection.isOver && rig.connection.deadline == rig.now + 60_000_000_000)
        rig.passTime(60)
        rig.connection.timerFired(now: rig.now)
        #expect(rig.connection.isOver)
    }

    @Test func `an upstream that says nothing is left`() {
        let rig = HTTP2UpstreamRig(settings: nil)
        let users = [rig.ask(), rig.ask()]
        rig.passTime(10)
        rig.connection.timerFired(now: rig.now)
        #expect(rig.connection.isOver && users.map(\.end) == [.ended, .refused])
    }

    @Test func `numbers of streams come to an end`() {
        let rig = HTTP2UpstreamRig()
        rig.connection.lastBegun = 0x7FFF_FFFD
        let last = rig.ask()
        #expect(last.stream?.id == 0x7FFF_FFFF && !rig.connection.hasRoom)
        rig.send(.answer(0x7FFF_FFFF))
        #expect(last.text.hasPrefix("HTTP/1.1 200") && rig.connection.isOver)
    }

    @Test func `nobody holds a connection that is over`() {
        weak var connection: HTTP2UpstreamConnection?
        weak var stream: HTTP2UpstreamStream?
        for way in 0..<4 {
            let rig = HTTP2UpstreamRig()
            let user = rig.ask()
            (connection, stream) = (rig.connection, user.stream)
            switch way {
            case 0: rig.send(.answer(1))
            case 1: rig.send(.reset(1, .refusedStream))
            case 2: rig.connection.lost()
            default: break
            }
            user.close()
            rig.settle()
            user.stream = nil
        }
        #expect(connection == nil && stream == nil)
    }
}
