// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeProxyCore

/// What the engine writes as HTTP/1.1, as HTTP/2 is to send it; whole, and byte by byte.
@Suite struct HTTP1ReaderTests {
    private func response(
        _ text: String, pieces: Int, answersHead: Bool = false
    ) throws -> (parts: [String], reader: HTTP1ResponseReader) {
        var reader = HTTP1ResponseReader(answersHead: answersHead, limits: HeadLimits())
        var parts = Transcript()
        for piece in Array(text.utf8).pieces(of: pieces) {
            try piece.withUnsafeBytes { bytes in
                try reader.read(bytes) { part in
                    switch part {
                    case .head(let head, let isLast):
                        parts.add(
                            "\(head.status) \(head.fields.map { "\($0.name)=\($0.value)" })\(isLast ? " last" : "")")
                    case .content(let bytes): parts.add(content: bytes)
                    case .end(let trailers): parts.add("end \(trailers.map { "\($0.name)=\($0.value)" })")
                    }
                }
            }
        }
        return (parts.lines, reader)
    }

    private func request(_ text: String, pieces: Int) throws -> [String] {
        var reader = HTTP1RequestReader(limits: HeadLimits())
        var parts = Transcript()
        for piece in Array(text.utf8).pieces(of: pieces) {
            try piece.withUnsafeBytes { bytes in
                try reader.read(bytes) { part in
                    switch part {
                    case .head(let head, let isLast):
                        let fields = head.fields.map { "\($0.name)=\($0.value)" }
                        parts.add("\(head.method) \(head.authority) \(head.target) \(fields)\(isLast ? " last" : "")")
                    case .content(let bytes): parts.add(content: bytes)
                    case .end(let trailers): parts.add("end \(trailers.map { "\($0.name)=\($0.value)" })")
                    }
                }
            }
        }
        return parts.lines
    }

    @Test(arguments: [1, 7, 1000])
    func `an answer of known length is head, content and end`(pieces: Int) throws {
        let (parts, reader) = try response(
            "HTTP/1.1 200 OK\r\nX-Name: V\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello", pieces: pieces)
        #expect(parts == [#"200 ["x-name=V", "content-length=5"]"#, "hello", "end []"])
        #expect(reader.isComplete)
    }

    @Test(arguments: [1, 7, 1000])
    func `chunks lose their frame, and trailers are kept`(pieces: Int) throws {
        let (parts, _) = try response(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nGrpc-Status: 0\r\n\r\n",
            pieces: pieces)
        #expect(parts == ["200 []", "abcde", #"end ["grpc-status=0"]"#])
    }

    @Test(arguments: [1, 1000])
    func `interim answers go before the answer`(pieces: Int) throws {
        let (parts, _) = try response(
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
            pieces: pieces)
        #expect(parts == ["100 []", #"103 ["link=a"]"#, "204 [] last"])
    }

    @Test func `an answer that lasts until the end of the connection may end at any time`() throws {
        let (parts, reader) = try response("HTTP/1.1 200 OK\r\n\r\nabc", pieces: 1000)
        #expect(parts == ["200 []", "abc"] && reader.mayEndNow && !reader.isComplete)
        #expect(try !response("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc", pieces: 1000).reader.mayEndNow)
        #expect(try !response("HTTP/1.1 200 OK\r\nConten", pieces: 1000).reader.mayEndNow)
    }

    @Test(arguments: ["HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"])
    func `an answer to HEAD has no content`(text: String) throws {
        #expect(try response(text, pieces: 1000, answersHead: true).parts == [#"200 ["content-length=5"] last"#])
    }

    @Test(arguments: [1, 7, 1000])
    func `a request is taken apart, and what speaks of the connection stays behind`(pieces: Int) throws {
        let text = """
            POST /v1/orders?a=b HTTP/1.1\r
            Host: orders.internal:9001\r
            X-Name: V\r
            Connection: close\r
            Transfer-Encoding: chunked\r
            \r
            3\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n
            """
        #expect(
            try request(text, pieces: pieces) == [
                #"POST orders.internal:9001 /v1/orders?a=b ["x-name=V"]"#, "abc", #"end ["x-sum=1"]"#,
            ])
    }

    @Test func `a request of gRPC's says that trailers reach whoever sent it`() throws {
        let head = "POST /pkg.Service/Method HTTP/1.1\r\nHost: a\r\nContent-Type: application/grpc\r\n"
        #expect(
            try request(head + "Content-Length: 0\r\n\r\n", pieces: 1000) == [
                #"POST a /pkg.Service/Method ["content-type=application/grpc", "content-length=0", "te=trailers"] last"#
            ])
    }

    @Test func `what is no message is a fault`() {
        #expect(throws: HTTPFault.self) { try response("nonsense\r\n\r\n", pieces: 1000) }
        #expect(throws: HTTPFault.self) {
            try response("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", pieces: 1000)
        }
        #expect(throws: HTTPFault.self) { try request("nonsense\r\n\r\n", pieces: 1000) }
    }
}

/// Parts of a message as lines, pieces of content that follow each other as one.
private struct Transcript {
    private(set) var lines: [String] = []
    private var isWithinContent = false

    mutating func add(_ line: String) {
        lines.append(line)
        isWithinContent = false
    }

    mutating func add(content: UnsafeRawBufferPointer) {
        let text = String(decoding: content, as: UTF8.self)
        if isWithinContent { lines[lines.count - 1] += text } else { lines.append(text) }
        isWithinContent = true
    }
}

extension [UInt8] {
    fileprivate func pieces(of size: Int) -> [[UInt8]] {
        stride(from: 0, to: count, by: size).map { Array(self[$0..<Swift.min($0 + size, count)]) }
    }
}
