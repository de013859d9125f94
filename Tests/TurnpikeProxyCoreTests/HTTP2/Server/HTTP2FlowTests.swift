// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import TurnpikeProxyCore

/// Windows (RFC 9113 §5.2, §6.9), whoever sends how much when.
@Suite struct HTTP2FlowTests {
    @Test(arguments: 0..<24 as Range<UInt64>)
    func `every byte arrives in order and within all windows, and nothing is left`(seed: UInt64) throws {
        try HTTP2FlowSimulation(seed: seed).run()
    }

    /// A request that waits for its answer.
    private func ask(settings: [(number: Int, value: Int)]) throws -> (rig: HTTP2Rig, user: StreamUser) {
        let rig = HTTP2Rig(settings: settings)
        rig.send(.get(1))
        return (rig, try #require(rig.users[1]))
    }

    @Test func `a window may fall below zero`() throws {
        let (rig, user) = try ask(settings: [(4, 100)])
        user.send("HTTP/1.1 200 OK\r\nContent-Length: 200\r\n\r\n" + String(repeating: "x", count: 200))
        rig.settle()
        #expect(rig[1].content.count == 100)
        rig.send(.settings([(4, 10)]))
        // It is 90 below.
        rig.send(.windowUpdate(1, by: 90))
        #expect(rig[1].content.count == 100)
        rig.send(.windowUpdate(1, by: 1))
        #expect(rig[1].content.count == 101)
        rig.send(.settings([(4, 1000)]))
        #expect(rig[1].content.count == 200)
        #expect(rig[1].isWhole)
    }

    @Test func `a larger first window lets streams go on`() throws {
        let (rig, user) = try ask(settings: [(4, 0)])
        user.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
        rig.settle()
        #expect(rig[1].blocks.count == 1)
        #expect(rig[1].content.isEmpty)
        rig.send(.settings([(4, 3)]))
        #expect(rig[1].text == "hel")
        rig.send(.settings([(4, 5)]))
        #expect(rig[1].text == "hello")
        #expect(rig[1].isWhole)
    }

    @Test func `the end of an answer needs no window`() throws {
        let (rig, user) = try ask(settings: [(4, 5)])
        user.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
        rig.settle()
        user.send("0\r\n\r\n")
        rig.settle()
        #expect(rig[1].isWhole)
    }

    @Test func `the largest windows are taken`() throws {
        let (rig, user) = try ask(settings: [(4, 0x7FFF_FFFF)])
        rig.send(.windowUpdate(by: 0x7FFF_FFFF - 65_535))
        user.answer("hello")
        rig.settle()
        #expect(rig[1].isWhole)
        #expect(rig.goodbye == nil)
    }

    @Test func `a stream of no window holds nobody up`() throws {
        let (rig, user) = try ask(settings: [(4, 0)])
        user.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
        rig.send(.get(3), .windowUpdate(3, by: 10))
        try #require(rig.users[3]).answer("other")
        rig.settle()
        #expect(rig[3].text == "other")
        #expect(rig[1].content.isEmpty)
    }
}
