// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import TurnpikeProxyCore

/// Answers of HTTP/1.1 as frames (RFC 9113 §8.1).
@Suite struct HTTP2AnswerTests {
    /// A request that waits for its answer.
    private func ask(
        _ method: String = "GET", settings: [(number: Int, value: Int)] = []
    ) throws -> (rig: HTTP2Rig, user: StreamUser) {
        let rig = HTTP2Rig(settings: settings)
        rig.send(.head(1, HTTP2Frame.request(method)))
        return (rig, try #require(rig.users[1]))
    }

    @Test func `an answer is a head and content, whose last frame is its end`() throws {
        let (rig, user) = try ask()
        user.send(
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\nConnection: keep-alive\r\n\r\nhello")
        rig.settle()
        #expect(rig[1].blocks == [[":status: 200", "content-type: text/plain", "content-length: 5"]])
        #expect(rig.frames(.data, on: 1) == [.data(1, "hello", endsStream: true)])
    }

    @Test func `the end has a frame of its own where content is on its way already`() throws {
        let (rig, user) = try ask()
        user.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
        rig.settle()
        user.send("0\r\n\r\n")
        rig.settle()
        #expect(rig[1].blocks == [[":status: 200"]])
        #expect(rig.frames(.data, on: 1) == [.data(1, "hello"), .data(1, "", endsStream: true)])
    }

    @Test func `the end of one answer is not told by the frame of another`() throws {
        let rig = HTTP2Rig()
        rig.send(.get(1), .get(3))
        for stream in [1, 3] as [UInt32] {
            try #require(rig.users[stream]).send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n")
        }
        try #require(rig.users[1]).send("0\r\n\r\n")
        rig.settle()
        #expect(rig.frames(.data, on: 3) == [.data(3, "hi")])
        #expect(rig.frames(.data, on: 1) == [.data(1, "hi"), .data(1, "", endsStream: true)])
    }

    @Test(arguments: [
        ("GET", "204 No Content", ""), ("HEAD", "200 OK", "Content-Length: 5\r\n"), ("GET", "304 Not Modified", ""),
    ])
    func `an answer without content is one frame`(method: String, status: String, field: String) throws {
        let (rig, user) = try ask(method)
        user.send("HTTP/1.1 \(status)\r\n\(field)\r\n")
        rig.settle()
        #expect(rig.frames.last { $0.stream == 1 }?.flags == [.endHeaders, .endStream])
        #expect(rig[1].blocks.count == 1)
        #expect(user.stream.isOver)
    }

    @Test func `interim heads go before the answer's own`() throws {
        let (rig, user) = try ask()
        user.send("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
        user.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        rig.settle()
        #expect(rig[1].blocks == [[":status: 103", "link: </a>"], [":status: 200", "content-length: 0"]])
        #expect(rig[1].isWhole)
    }

    @Test func `trailers end an answer`() throws {
        let (rig, user) = try ask()
        user.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nGrpc-Status: 0\r\n\r\n")
        rig.settle()
        #expect(rig[1].blocks == [[":status: 200"], ["grpc-status: 0"]])
        #expect(rig[1].text == "hi")
        #expect(rig[1].isWhole)
    }

    @Test func `trailers go behind content that waits`() throws {
        let (rig, user) = try ask(settings: [(4, 1)])
        user.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nGrpc-Status: 0\r\n\r\n")
        rig.settle()
        #expect(rig[1].text == "h")
        #expect(!rig[1].isWhole)
        rig.send(.windowUpdate(1, by: 5))
        #expect(rig[1].text == "hi")
        #expect(rig[1].blocks.last == ["grpc-status: 0"])
        #expect(rig[1].isWhole)
    }

    @Test func `a large head comes in several frames`() throws {
        let (rig, user) = try ask()
        let value = String(repeating: "v", count: 7000)
        user.send("HTTP/1.1 200 OK\r\n" + (0..<6).map { "X-\($0): \(value)\r\n" }.joined() + "\r\n")
        user.close()
        rig.settle()
        let frames = rig.frames.filter { $0.stream == 1 }
        #expect(frames.map(\.kind) == [1, 9, 9, 0])
        #expect(frames.map(\.flags) == [[], [], .endHeaders, .endStream])
        #expect(frames.allSatisfy { $0.payload.count <= 16_384 })
        #expect(rig[1].blocks == [[":status: 200"] + (0..<6).map { "x-\($0): \(value)" }])
    }

    @Test func `an answer may come byte by byte`() throws {
        let (rig, user) = try ask()
        for byte in "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello".utf8 { user.send([byte]) }
        rig.settle()
        #expect(rig[1].text == "hello")
        #expect(rig[1].isWhole)
        #expect(!rig[1].isBroken)
    }

    @Test func `an answer whose end only closing tells ends so`() throws {
        let (rig, user) = try ask()
        user.send("HTTP/1.1 200 OK\r\n\r\nhello")
        rig.settle()
        #expect(!rig[1].isWhole)
        user.close()
        rig.settle()
        #expect(rig[1].text == "hello")
        #expect(rig[1].isWhole)
    }

    @Test(arguments: [
        "", "HTTP/1.1 200 OK\r\nContent-Le", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello",
        "HTTP/1.1 103 Early Hints\r\n\r\n",
    ])
    func `an answer that is not whole is broken off`(sent: String) throws {
        let (rig, user) = try ask()
        user.send(sent)
        user.close()
        rig.settle()
        #expect(rig[1].reset == .internalError)
        #expect(!rig[1].isWhole)
        #expect(rig.goodbye == nil)
    }

    @Test func `what is no answer breaks its stream off`() throws {
        let (rig, user) = try ask()
        user.send("SMTP ready\r\n\r\n")
        rig.settle()
        #expect(rig[1].reset == .internalError)
        #expect(user.stream.isOver)
    }

    @Test func `an answer before the request's end lets the client off`() throws {
        let rig = HTTP2Rig()
        rig.send(.post(1, length: 1000), .data(1, "x"))
        try #require(rig.users[1]).answer("no more")
        rig.settle()
        #expect(rig[1].text == "no more")
        #expect(rig[1].isWhole)
        #expect(rig[1].reset == .noError)
        // What was on its way is thrown away, and counts as used.
        rig.send(.data(1, [UInt8](repeating: 0, count: 900)))
        #expect(rig.goodbye == nil)
        #expect(rig.connection.receiveWindow + rig.connection.credit == HTTP2Connection.connectionWindow)
    }

    // MARK: - Taking turns

    @Test func `streams take turns, a frame each`() throws {
        let rig = HTTP2Rig(settings: [(4, 1 << 20)])
        rig.send(.get(1), .get(3), .get(5))
        for stream in [1, 3, 5] as [UInt32] {
            let user = try #require(rig.users[stream])
            user.send("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
            user.send([UInt8](repeating: 0, count: 100_000))
        }
        rig.settle()
        // The first has filled the connection's window.
        let before = rig.frames.count
        rig.send(.windowUpdate(by: 1 << 20))
        let turns = rig.frames[before...].filter { $0.kind == 0 }.map(\.stream)
        #expect(turns.prefix(6).sorted() == [1, 1, 3, 3, 5, 5])
        #expect([1, 3, 5].allSatisfy { rig[$0].isWhole && rig[$0].content.count == 100_000 })
    }

    @Test func `what does not fit into one piece of output goes out with the next`() throws {
        let rig = HTTP2Rig(settings: [(4, 1 << 20)])
        rig.send(.windowUpdate(by: 1 << 20))
        rig.send(.get(1), .get(3), .get(5), .get(7), .get(9))
        for stream in [1, 3, 5, 7, 9] as [UInt32] {
            try #require(rig.users[stream]).send("HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n")
            try #require(rig.users[stream]).send([UInt8](repeating: 0, count: 60_000))
        }
        // One turn of the loop's, in which the socket takes all.
        var pieces: [Int] = []
        repeat {
            rig.connection.eventsEnded(now: rig.now)
            rig.connection.takeOutput { pieces.append($0.count) }
        } while rig.connection.hasOutput
        #expect(pieces.reduce(0, +) > 300_000)
        #expect(pieces.allSatisfy { $0 < 200_000 })
        #expect(rig.users.values.allSatisfy { $0.stream.isSent })
    }
}
