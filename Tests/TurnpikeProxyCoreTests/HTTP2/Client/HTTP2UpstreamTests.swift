// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import TurnpikeProxyCore

/// What goes to an upstream over HTTP/2, and what comes back.
@Suite struct HTTP2UpstreamTests {
    private let post = "POST /v1/orders?a=b HTTP/1.1\r\nHost: api.acme.test\r\n"

    @Test func `the client says first what it takes, and that nothing may be pushed`() throws {
        let rig = HTTP2UpstreamRig(settings: nil)
        #expect(rig.saidPreface)
        let settings = try #require(rig.frames.first)
        #expect(settings.payload == HTTP2Frame.settings([(1, 4096), (2, 0), (4, 256 << 10), (6, 32 << 10)]).payload)
        #expect(rig.frames.dropFirst() == [.windowUpdate(by: (1 << 20) - 65_535)])
    }

    @Test func `a request is told with its pseudo-fields, and its answer with the end of its connection`() {
        let rig = HTTP2UpstreamRig()
        let user = rig.ask("GET /v1/orders?a=b HTTP/1.1\r\nHost: api.acme.test\r\nX-A: B\r\nConnection: close\r\n\r\n")
        #expect(
            rig.blocks[1] == [
                [":method: GET", ":scheme: http", ":authority: api.acme.test", ":path: /v1/orders?a=b", "x-a: B"]
            ])
        rig.send(.answer(1, "200", [("x-b", "c")], endsStream: false), .data(1, "hi", endsStream: true))
        #expect(
            user.text == """
                HTTP/1.1 200 \r
                x-b: c\r
                transfer-encoding: chunked\r
                connection: close\r
                \r
                2\r
                hi\r
                0\r
                \r

                """)
        #expect(user.end == nil && rig.connection.streams.isEmpty)
    }

    @Test func `content and trailers go and come`() {
        let rig = HTTP2UpstreamRig()
        let user = rig.ask(post + "Transfer-Encoding: chunked\r\n\r\n")
        user.send("3\r\nabc\r\n")
        user.send("2\r\nde\r\n0\r\nX-Sum: 1\r\n\r\n")
        rig.settle()
        #expect(rig.content(on: 1) == Array("abcde".utf8) && rig.blocks[1]?.last == ["x-sum: 1"])
        rig.send(
            .answer(1, endsStream: false), .data(1, "xyz"), .head(1, [("grpc-status", "0")]))
        #expect(user.text.hasSuffix("3\r\nxyz\r\n0\r\ngrpc-status: 0\r\n\r\n"))
        #expect(rig.connection.streams.isEmpty)
    }

    @Test func `an answer may come before the request is whole, and ends it`() {
        let rig = HTTP2UpstreamRig()
        let user = rig.ask(post + "Content-Length: 5\r\n\r\n")
        user.send("ab")
        rig.send(.answer(1, "403"))
        #expect(user.text.hasPrefix("HTTP/1.1 403 \r\ncontent-length: 0\r\n"))
        #expect(rig.reset(on: 1) == nil)
        user.close()
        rig.settle()
        #expect(rig.reset(on: 1) == .cancel && rig.connection.streams.isEmpty)
    }

    @Test func `who does not need the rest of a request has answered all the same`() throws {
        let rig = HTTP2UpstreamRig(settings: [(4, 2)])
        let user = rig.ask(post + "Content-Length: 5\r\n\r\nabcde")
        try #require(user.stream).setReading(false)
        rig.send(.answer(1, "200", endsStream: false), .data(1, "all", endsStream: true), .reset(1, .noError))
        #expect(user.received.isEmpty && user.end == nil && user.stream?.isSent == true)
        user.stream?.setReading(true)
        rig.settle()
        #expect(user.text.hasSuffix("3\r\nall\r\n0\r\n\r\n") && user.end == nil)
    }

    @Test func `interim answers go before the answer`() {
        let rig = HTTP2UpstreamRig()
        let user = rig.ask()
        rig.send(.answer(1, "103", [("link", "</a>")], endsStream: false), .answer(1, "204"))
        #expect(user.text.hasPrefix("HTTP/1.1 103 \r\nlink: </a>\r\n\r\nHTTP/1.1 204 \r\n"))
    }

    @Test(arguments: [("HEAD", "200"), ("GET", "204"), ("GET", "304")])
    func `the end of an answer without content may come by itself, and content may not`(
        method: String, status: String
    ) {
        let rig = HTTP2UpstreamRig()
        let (first, second) = (
            rig.ask("\(method) / HTTP/1.1\r\nHost: api.acme.test\r\n\r\n"),
            rig.ask("\(method) / HTTP/1.1\r\nHost: api.acme.test\r\n\r\n")
        )
        rig.send(.answer(1, status, endsStream: false), .data(1, "", endsStream: true))
        #expect(first.text == "HTTP/1.1 \(status) \r\nconnection: close\r\n\r\n")
        #expect(first.end == nil && rig.reset(on: 1) == nil)
        rig.send(.answer(3, status, endsStream: false), .data(3, "x", endsStream: true))
        #expect(!second.text.hasSuffix("x") && rig.reset(on: 3) == .protocolError)
    }

    @Test func `the answer to HEAD has a length and no content`() {
        let rig = HTTP2UpstreamRig()
        let user = rig.ask("HEAD / HTTP/1.1\r\nHost: api.acme.test\r\n\r\n")
        rig.send(.answer(1, "200", [("content-length", "5")], endsStream: false), .data(1, "", endsStream: true))
        #expect(user.text.contains("content-length: 5\r\n") && rig.reset(on: 1) == nil)
    }

    @Test func `who lets go of an answer under way cancels it, and the others go on`() {
        let rig = HTTP2UpstreamRig()
        let (left, other) = (rig.ask(), rig.ask())
        rig.send(.answer(1, endsStream: false), .data(1, "a"))
        left.close()
        rig.send(.data(1, "late"), .reset(1), .answer(3))
        #expect(rig.reset(on: 1) == .cancel && left.end == nil)
        #expect(other.text.hasPrefix("HTTP/1.1 200") && rig.goodbye == nil)
        #expect(rig.connection.receiveWindow + rig.connection.credit == HTTP2Link.connectionWindow)
    }

    @Test func `who lets go before the beginning leaves no trace`() {
        let rig = HTTP2UpstreamRig(settings: [(3, 1)])
        let (first, second) = (rig.ask(), rig.ask())
        second.close()
        rig.send(.answer(1))
        #expect(first.text.hasPrefix("HTTP/1.1 200"))
        rig.ask()
        #expect(rig.blocks.keys.sorted() == [1, 3] && rig.reset(on: 3) == nil)
    }

    @Test func `an answer that nobody reads holds up no other, and loses nothing`() throws {
        let rig = HTTP2UpstreamRig()
        let (slow, quick) = (rig.ask(), rig.ask())
        try #require(slow.stream).setReading(false)
        let piece = [UInt8](repeating: 7, count: 16_384)
        rig.send(.answer(1, endsStream: false), .answer(3, endsStream: false))
        for _ in 0..<16 { rig.send(.data(1, piece), .data(3, piece)) }
        #expect(slow.received.isEmpty && quick.received.count > 16 * 16_384)
        #expect(rig.frames(.windowUpdate, on: 1).isEmpty && !rig.frames(.windowUpdate, on: 3).isEmpty)
        slow.stream?.setReading(true)
        rig.settle()
        rig.send(.data(1, "", endsStream: true))
        #expect(slow.received.count > 16 * 16_384 && !rig.frames(.windowUpdate, on: 1).isEmpty)
        #expect(slow.text.hasSuffix("\r\n0\r\n\r\n"))
    }
}
