// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeProxyCore

@Suite struct HTTP1ResponseWriterTests {
    typealias Fields = [(name: String, value: String)]

    private func written(
        _ fields: Fields, endsStream: Bool = true, answersHead: Bool = false
    ) throws -> (text: String, content: HTTP1ContentWriter?) {
        var bytes: [UInt8] = []
        let content = try HTTP1ResponseWriter.write(
            fields, endsStream: endsStream, answersHead: answersHead, to: &bytes)
        return (String(decoding: bytes, as: UTF8.self), content)
    }

    @Test func `an answer ends its connection, which is a stream`() throws {
        let (text, content) = try written([(":status", "200"), ("content-length", "3"), ("x", "y")], endsStream: false)
        #expect(text == "HTTP/1.1 200 \r\nx: y\r\ncontent-length: 3\r\nconnection: close\r\n\r\n")
        #expect(content?.prefix(3) == [])
    }

    @Test func `content without a length goes in chunks`() throws {
        let (text, content) = try written([(":status", "200")], endsStream: false)
        #expect(text.contains("\r\ntransfer-encoding: chunked\r\n"))
        #expect(content?.prefix(255) == Array("ff\r\n".utf8))
    }

    @Test func `an answer of gRPC's goes in chunks, so that its trailers find room`() throws {
        let (text, content) = try written(
            [(":status", "200"), ("content-type", "application/grpc+proto"), ("content-length", "5")],
            endsStream: false)
        #expect(text.contains("\r\ntransfer-encoding: chunked\r\n") && !text.contains("content-length"))
        #expect(
            try content?.end(trailers: [("grpc-status", "0")] as Fields) == Array("0\r\ngrpc-status: 0\r\n\r\n".utf8))
    }

    @Test(
        arguments: [
            ("200", false, true), ("404", false, true), ("204", false, false), ("200", true, false),
            ("304", false, false),
        ] as [(String, Bool, Bool)])
    func `an answer without content says so, unless it stands for another`(
        status: String, answersHead: Bool, says: Bool
    ) throws {
        let (text, _) = try written([(":status", status)], answersHead: answersHead)
        #expect(text.contains("content-length: 0\r\n") == says)
    }

    @Test func `an interim answer leaves the stream to the next one`() throws {
        let (text, content) = try written([(":status", "103"), ("link", "x")], endsStream: false)
        #expect(text == "HTTP/1.1 103 \r\nlink: x\r\n\r\n" && content == nil)
    }

    @Test(
        arguments: [
            [(":status", "101")], [(":status", "103")], [(":status", "20")], [(":status", "2000")],
            [(":status", "2 0")], [(":status", "099")], [("x", "y")],
            [(":status", "200"), (":status", "200")], [("x", "y"), (":status", "200")],
            [(":status", "200"), ("x", "a\r\nb")], [(":status", "200"), ("connection", "close")],
            [(":status", "200"), ("transfer-encoding", "chunked")], [(":status", "200"), ("X", "y")],
            [(":status", "200"), ("content-length", "1"), ("content-length", "2")],
            [(":status", "200"), (":path", "/")],
        ] as [[(String, String)]])
    func `a malformed answer is refused`(fields: [(String, String)]) {
        #expect(throws: HTTP2Fault.self) { try written(fields.map { (name: $0.0, value: $0.1) }) }
    }
}
