// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeProxyCore

/// Requests that could be read in more than one way, or that nobody honest sends.
@Suite struct RequestRefusalTests {
    @Test(
        arguments: [
            ("\r\r\n", HTTPFault.badRequestLine), ("\n", .bareLineFeed), ("GET / HTTP/1.1\n", .bareLineFeed),
            ("\r\n\r\n", .badRequestLine), ("\r\n\r\nGET / HTTP/1.1\r\n", .badRequestLine),
            ("GET\r\n", .badRequestLine), ("GET /\r\n", .badRequestLine), (" GET / HTTP/1.1\r\n", .badMethod),
            ("G(T / HTTP/1.1\r\n", .badMethod), ("GET\t/ HTTP/1.1\r\n", .badMethod),
            ("GET  / HTTP/1.1\r\n", .badRequestLine), ("GET /  HTTP/1.1\r\n", .badVersion),
            ("GET / HTTP/1.1 \r\n", .badVersion), ("GET / http/1.1\r\n", .badVersion),
            ("GET / HTTP/1\r\n", .badVersion),
            ("GET / HTTP/11.1\r\n", .badVersion), ("GET / XTTP/1.1\r\n", .badVersion),
            ("GET / HTTP/2.0\r\n", .unsupportedVersion), ("GET / HTTP/1.2\r\n", .unsupportedVersion),
            ("GET / HTTP/0.9\r\n", .unsupportedVersion),
            ("GET /a\u{0}b HTTP/1.1\r\n", .badTarget), ("GET /a\u{7F}b HTTP/1.1\r\n", .badTarget),
            ("GET /a#b HTTP/1.1\r\n", .badTarget), ("GET /\u{E9} HTTP/1.1\r\n", .badTarget),
            ("GET /a\rb HTTP/1.1\r\n", .badTarget),
            ("CONNECT a.test:443 HTTP/1.1\r\n", .connectNotSupported), ("CONNECT / HTTP/1.1\r\n", .connectNotSupported),
            ("GET a.test:443 HTTP/1.1\r\n", .unsupportedTargetForm), ("GET a/b HTTP/1.1\r\n", .unsupportedTargetForm),
            ("GET ftp://a.test/ HTTP/1.1\r\n", .unsupportedTargetForm), ("GET ?q HTTP/1.1\r\n", .unsupportedTargetForm),
            ("GET * HTTP/1.1\r\n", .asteriskNotOptions),
        ] as [(Wire, HTTPFault)])
    func `a bad request line is refused`(text: Wire, fault: HTTPFault) {
        #expect(ParsedRequest(text.text).outcome == .fault(fault))
    }

    @Test(
        arguments: [
            ("X\r\n", HTTPFault.missingColon), (": x\r\n", .badFieldName), ("X : x\r\n", .spaceBeforeColon),
            ("X\t: x\r\n", .spaceBeforeColon), ("X(Y): x\r\n", .badFieldName), ("X\u{0}Y: x\r\n", .badFieldName),
            ("\u{E9}: x\r\n", .badFieldName), (" X: x\r\n", .foldedField), ("A: b\r\n c\r\n", .foldedField),
            ("A: b\r\n\tc\r\n", .foldedField), ("A: b\nB: c\r\n", .bareLineFeed), ("A: b\rB: c\r\n", .controlInValue),
            ("A: b\u{0}c\r\n", .controlInValue), ("A: b\u{7F}\r\n", .controlInValue),
            ("A: 1234567\u{1}901234567\r\n", .controlInValue), ("A: b\r\r\n", .controlInValue),
            ("A: 12345678901234567890\u{B}\r\n", .controlInValue), ("Expect: magic\r\n", .unsupportedExpectation),
            (Wire("Connection: " + String(repeating: "a,", count: 33) + "\r\n"), .tooManyConnectionOptions),
        ] as [(Wire, HTTPFault)])
    func `a bad field line is refused`(line: Wire, fault: HTTPFault) {
        #expect(ParsedRequest("GET / HTTP/1.1\r\nHost: a\r\n\(line.text)\r\n").outcome == .fault(fault))
    }

    @Test func `tabs and bytes beyond ASCII may stand in values`() {
        let request = ParsedRequest("GET / HTTP/1.1\r\nHost: a\r\nX: a\tb \u{E9}\u{FC} 123456789\r\n\r\n")
        #expect(request.outcome == .complete(headLength: request.bytes.count))
    }

    @Test(
        arguments: [
            ("", HTTPFault.missingHost), ("Host:\r\n", .badHost), ("Host: a\r\nHost: a\r\n", .repeatedHost),
            ("Host: a b\r\n", .badHost), ("Host: a/b\r\n", .badHost), ("Host: u@a\r\n", .badHost),
            ("Host: a,b\r\n", .badHost), ("Host: .a\r\n", .badHost), ("Host: a..b\r\n", .badHost),
            ("Host: %61\r\n", .badHost), ("Host: a:\r\n", .badHost), ("Host: a:x\r\n", .badHost),
            ("Host: a:65536\r\n", .badHost), ("Host: a:080808\r\n", .badHost), ("Host: [::1\r\n", .badHost),
            ("Host: [x]\r\n", .badHost), ("Host: []\r\n", .badHost), ("Host: [::1]x\r\n", .badHost),
            ("Host: \u{E9}\r\n", .badHost), (Wire("Host: " + String(repeating: "a", count: 256) + "\r\n"), .badHost),
        ] as [(Wire, HTTPFault)])
    func `a bad host is refused`(fields: Wire, fault: HTTPFault) {
        #expect(ParsedRequest("GET / HTTP/1.1\r\n\(fields.text)\r\n").outcome == .fault(fault))
    }

    @Test(arguments: [
        ("a", "a"), ("a-b_c.test", "a-b_c.test"), ("A.TEST.", "A.TEST"), ("a:0", "a"), ("127.0.0.1:80", "127.0.0.1"),
        ("[::1]", "[::1]"), ("[::ffff:127.0.0.1]:8080", "[::ffff:127.0.0.1]"),
    ])
    func `a good host is taken`(host: String, name: String) {
        let request = ParsedRequest("GET / HTTP/1.1\r\nHost: \(host)\r\n\r\n")
        #expect(request.outcome == .complete(headLength: request.bytes.count))
        #expect(request.text(request.head.host) == name)
    }

    @Test(arguments: [
        ("http://a.test/", "b.test", false), ("http://a.test/", "A.TEST:80", true),
        ("http://a.test:81/", "a.test", false), ("https://a.test/", "a.test:443", true),
        ("https://a.test/", "a.test:80", false), ("http://a.test./", "a.test", true),
    ])
    func `a host must agree with an absolute target`(target: String, host: String, agrees: Bool) {
        let request = ParsedRequest("GET \(target) HTTP/1.1\r\nHost: \(host)\r\n\r\n")
        #expect(request.outcome == (agrees ? .complete(headLength: request.bytes.count) : .fault(.hostMismatch)))
    }

    @Test(arguments: ["http:///", "http://u:p@a.test/", "http://a.test:x/", "http://?q"])
    func `an absolute target needs a good authority`(target: String) {
        #expect(ParsedRequest("GET \(target) HTTP/1.1\r\nHost: a.test\r\n\r\n").outcome == .fault(.badHost))
    }

    @Test(
        arguments: [
            ("Content-Length:\r\n", HTTPFault.badContentLength), ("Content-Length: -1\r\n", .badContentLength),
            ("Content-Length: +1\r\n", .badContentLength), ("Content-Length: 0x1\r\n", .badContentLength),
            ("Content-Length: 1 2\r\n", .badContentLength),
            ("Content-Length: 5\r\nContent-Length: 5\r\n", .repeatedContentLength),
            ("Content-Length: 5\r\ncontent-length: 6\r\n", .repeatedContentLength),
            ("Content-Length: 5, 5\r\n", .repeatedContentLength),
            ("Content-Length: 9223372036854775808\r\n", .contentLengthTooLarge),
            ("Content-Length: 99999999999999999999999\r\n", .contentLengthTooLarge),
            ("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", .lengthWithTransferEncoding),
            ("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", .lengthWithTransferEncoding),
            ("Transfer-Encoding: identity\r\n", .badTransferEncoding),
            ("Transfer-Encoding: gzip\r\n", .badTransferEncoding),
            ("Transfer-Encoding:\r\n", .badTransferEncoding),
            ("Transfer-Encoding: chunked, gzip\r\n", .badTransferEncoding),
            ("Transfer-Encoding: chunked, chunked\r\n", .badTransferEncoding),
            ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", .badTransferEncoding),
            ("Transfer-Encoding: chunked,\r\n", .badTransferEncoding),
            ("Transfer-Encoding: \"chunked\"\r\n", .badTransferEncoding),
            ("Transfer-Encoding: xchunked\r\n", .badTransferEncoding),
            ("Transfer-Encoding: chunked;a=b\r\n", .badTransferEncoding),
            ("Transfer-Encoding: gzip, chunked\r\n", .unsupportedTransferCoding),
        ] as [(Wire, HTTPFault)])
    func `ambiguous framing is refused`(fields: Wire, fault: HTTPFault) {
        #expect(ParsedRequest("POST / HTTP/1.1\r\nHost: a\r\n\(fields.text)\r\n").outcome == .fault(fault))
    }

    @Test func `Transfer-Encoding is refused in HTTP 1 0`() {
        let request = ParsedRequest("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n")
        #expect(request.outcome == .fault(.transferEncodingInOldVersion))
    }

    @Test func `every fault has its own reason and a status that refuses`() {
        #expect(Set(HTTPFault.allCases.map(\.reason)).count == HTTPFault.allCases.count)
        #expect(HTTPFault.allCases.allSatisfy { [400, 413, 414, 417, 431, 501, 505].contains($0.status) })
    }

    @Test(arguments: [
        (HTTPFault.startLineTooLong, 414), (.headTooLarge, 431), (.tooManyFields, 431), (.contentLengthTooLarge, 413),
        (.bodyTooLarge, 413), (.unsupportedTransferCoding, 501), (.connectNotSupported, 501),
        (.unsupportedVersion, 505),
        (.unsupportedExpectation, 417), (.repeatedContentLength, 400), (.badHost, 400), (.pathAboveRoot, 400),
    ])
    func `faults answer with the status of the RFC`(fault: HTTPFault, status: Int) {
        #expect(fault.status == status)
    }
}
