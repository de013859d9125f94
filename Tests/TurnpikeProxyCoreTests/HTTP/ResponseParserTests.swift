// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeProxyCore

@Suite struct ResponseParserTests {
    @Test func `a plain response is taken apart`() {
        let response = ParsedResponse("HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\nServer: x\r\n\r\nbody")
        #expect(response.outcome == .complete(headLength: response.bytes.count - 4))
        #expect(response.head.status == 404)
        #expect(response.text(response.head.reasonPhrase) == "Not Found")
        #expect(response.head.framing == .length(4))
        #expect(response.head.keepAlive)
    }

    @Test(arguments: ["HTTP/1.1 200 \r\n\r\n", "HTTP/1.1 200\r\n\r\n", "HTTP/1.0 200 OK\r\n\r\n"] as [Wire])
    func `a response without length lasts until the connection closes`(text: Wire) {
        let response = ParsedResponse(text.text)
        #expect(response.head.status == 200)
        #expect(response.head.framing == .untilClose)
        #expect(!response.head.keepAlive)
    }

    @Test(arguments: [
        (100, false), (103, false), (204, false), (304, false), (200, true), (500, true),
    ])
    func `some responses never have content`(status: Int, answersHead: Bool) {
        for field in ["Content-Length: 5", "Transfer-Encoding: chunked", "X: y"] {
            let response = ParsedResponse("HTTP/1.1 \(status) x\r\n\(field)\r\n\r\n", answersHead: answersHead)
            #expect(response.head.framing == .none)
            #expect(response.head.keepAlive)
        }
    }

    @Test(
        arguments: [
            ("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nConnection: close\r\n\r\n", false),
            ("HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\n", false),
            ("HTTP/1.0 200 OK\r\nContent-Length: 1\r\nConnection: keep-alive\r\n\r\n", true),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", true),
            ("HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n", false),
        ] as [(Wire, Bool)])
    func `the upstream's wish to keep the connection is read`(text: Wire, keepAlive: Bool) {
        #expect(ParsedResponse(text.text).head.keepAlive == keepAlive)
    }

    @Test(
        arguments: [
            ("HTTP/1.1 20 OK\r\n\r\n", HTTPFault.badStatusLine), ("HTTP/1.1 099 x\r\n\r\n", .badStatusLine),
            ("HTTP/1.1 600 x\r\n\r\n", .badStatusLine), ("HTTP/1.1 2000 x\r\n\r\n", .badStatusLine),
            ("HTTP/1.1  200 x\r\n\r\n", .badStatusLine), ("HTTP/1.1 200 a\u{0}b\r\n\r\n", .badStatusLine),
            ("\r\nHTTP/1.1 200 OK\r\n\r\n", .badStatusLine), ("garbage\r\n\r\n", .badStatusLine),
            ("HTTP/2.0 200 OK\r\n\r\n", .unsupportedVersion), ("ICAP/1.0 200 OK\r\n\r\n", .badVersion),
            ("HTTP/1.1 200 OK\n\r\n", .bareLineFeed), ("HTTP/1.1 200 OK\r\nX : y\r\n\r\n", .spaceBeforeColon),
            ("HTTP/1.1 200 OK\r\nX: y\r\n z\r\n\r\n", .foldedField),
            ("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n", .repeatedContentLength),
            ("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", .lengthWithTransferEncoding),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", .unsupportedTransferCoding),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", .badTransferEncoding),
            ("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", .transferEncodingInOldVersion),
        ] as [(Wire, HTTPFault)])
    func `an ambiguous response is refused`(text: Wire, fault: HTTPFault) {
        #expect(ParsedResponse(text.text).outcome == .fault(fault))
    }

    @Test func `an interim response is followed by the final one`() {
        let interim = "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
        let final = "HTTP/1.1 204 No Content\r\n\r\n"
        var parser = ResponseParser()
        var head = ResponseHead()
        let bytes = Array((interim + final).utf8)
        #expect(
            bytes.withUnsafeBytes { parser.parse($0, answersHead: false, into: &head) }
                == .complete(headLength: interim.utf8.count)
        )
        #expect(head.isInterim)
        let rest = Array(bytes.dropFirst(interim.utf8.count))
        #expect(
            rest.withUnsafeBytes { parser.parse($0, answersHead: false, into: &head) }
                == .complete(headLength: final.utf8.count)
        )
        #expect(head.status == 204 && head.fields.count == 0)
    }
}
