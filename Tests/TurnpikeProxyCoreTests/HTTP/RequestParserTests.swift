// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeProxyCore

@Suite struct RequestParserTests {
    @Test func `a plain request is taken apart`() {
        let request = ParsedRequest(
            "POST /v1/orders?page=2&x=%2F HTTP/1.1\r\nHost: API.acme.test:8080\r\nX-Api-Key:  tp_live_1 \r\n"
                + "Content-Length: 12\r\nEmpty:\r\n\r\nhello"
        )
        #expect(request.outcome == .complete(headLength: request.bytes.count - 5))
        #expect(request.head.method == .post)
        #expect(request.text(request.head.methodName) == "POST")
        #expect(request.text(request.head.path) == "/v1/orders")
        #expect(request.head.query.map(request.text) == "page=2&x=%2F")
        #expect(request.text(request.head.host) == "API.acme.test")
        #expect(request.text(request.head.authority) == "API.acme.test:8080")
        #expect(request.head.port == 8080)
        #expect(request.head.minorVersion == 1)
        #expect(request.head.framing == .length(12))
        #expect(request.head.keepAlive)
        #expect(
            request.fields == [
                "Host=API.acme.test:8080", "X-Api-Key=tp_live_1", "Content-Length=12", "Empty=",
            ])
        #expect(request.head.fields.first(.xAPIKey).map { request.text($0.value) } == "tp_live_1")
    }

    @Test(arguments: [
        ("GET", HTTPMethod.get), ("HEAD", .head), ("POST", .post), ("PUT", .put), ("DELETE", .delete),
        ("PATCH", .patch), ("OPTIONS", .options), ("TRACE", .trace), ("get", .other), ("PURGE", .other),
        ("M-SEARCH", .other),
    ])
    func `methods are known by their exact name`(name: String, method: HTTPMethod) {
        let request = ParsedRequest("\(name) / HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(request.head.method == method)
        #expect(request.text(request.head.methodName) == name)
    }

    @Test(
        arguments: [
            // target, path, query, host
            ("http://a.test/x?q", "/x", "q", "a.test"), ("HTTPS://A.test:443/", "/", nil, "A.test"),
            ("http://a.test", "", nil, "a.test"), ("http://a.test?q", "", "q", "a.test"),
            ("http://a.test./x", "/x", nil, "a.test"), ("/x?", "/x", "", "a.test"), ("/x?a?b", "/x", "a?b", "a.test"),
        ] as [(String, String, String?, String)])
    func `targets give path, query and host`(target: String, path: String, query: String?, host: String) {
        let request = ParsedRequest("GET \(target) HTTP/1.1\r\nHost: a.test\r\n\r\n")
        #expect(request.outcome == .complete(headLength: request.bytes.count))
        #expect(request.text(request.head.path) == path)
        #expect(request.head.query.map(request.text) == query)
        #expect(request.text(request.head.host) == host)
    }

    @Test(arguments: ["*", "http://a.test"])
    func `OPTIONS may ask the server itself`(target: String) {
        let request = ParsedRequest("OPTIONS \(target) HTTP/1.1\r\nHost: a.test\r\n\r\n")
        #expect(request.head.isAsterisk)
        #expect(request.head.path.isEmpty)
    }

    @Test(
        arguments: [
            ("HTTP/1.1", "", true), ("HTTP/1.1", "Connection: close\r\n", false),
            ("HTTP/1.1", "Connection: a, CLOSE\r\n", false), ("HTTP/1.0", "", false),
            ("HTTP/1.0", "Connection: Keep-Alive\r\n", true),
            ("HTTP/1.0", "Connection: keep-alive\r\nConnection: close\r\n", false),
        ] as [(String, Wire, Bool)])
    func `the client's wish to keep the connection is read`(version: String, fields: Wire, keepAlive: Bool) {
        let request = ParsedRequest("GET / \(version)\r\nHost: a\r\n\(fields.text)\r\n")
        #expect(request.head.keepAlive == keepAlive)
    }

    @Test func `HTTP 1 0 needs no host`() {
        let request = ParsedRequest("GET / HTTP/1.0\r\n\r\n")
        #expect(request.outcome == .complete(headLength: request.bytes.count))
        #expect(request.head.host.isEmpty)
    }

    @Test(
        arguments: [
            ("PUT", "HTTP/1.1", "Content-Length: 1\r\nExpect: 100-Continue\r\n", true),
            ("PUT", "HTTP/1.1", "Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n", true),
            ("PUT", "HTTP/1.1", "Content-Length: 0\r\nExpect: 100-continue\r\n", false),
            ("GET", "HTTP/1.1", "Expect: 100-continue\r\n", false),
            ("PUT", "HTTP/1.0", "Content-Length: 1\r\nExpect: 100-continue\r\n", false),
        ] as [(String, String, Wire, Bool)])
    func `an expectation counts only with content and HTTP 1 1`(
        method: String, version: String, fields: Wire, expects: Bool
    ) {
        let request = ParsedRequest("\(method) / \(version)\r\nHost: a\r\n\(fields.text)\r\n")
        #expect(request.outcome == .complete(headLength: request.bytes.count))
        #expect(request.head.expectsContinue == expects)
    }

    @Test func `an upgrade needs both fields`() {
        let both = ParsedRequest(
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\r\n"
        )
        #expect(both.head.isUpgrade)
        #expect(!ParsedRequest("GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n").head.isUpgrade)
        #expect(!ParsedRequest("GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\n\r\n").head.isUpgrade)
    }

    @Test(arguments: ["Transfer-Encoding: chunked", "transfer-encoding:\tCHUNKED "])
    func `chunked content is recognised`(field: String) {
        #expect(ParsedRequest("POST / HTTP/1.1\r\nHost: a\r\n\(field)\r\n\r\n").head.framing == .chunked)
    }

    @Test func `one empty line before the request is skipped`() {
        let request = ParsedRequest("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(request.outcome == .complete(headLength: request.bytes.count))
        #expect(request.head.method == .get)
        #expect(request.text(request.head.path) == "/")
    }

    @Test func `pipelined requests are parsed one after the other with one parser and one head`() {
        let first = "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nX-One: 1\r\n\r\n"
        let second = "GET /b HTTP/1.1\r\nHost: b\r\n\r\n"
        let bytes = Array((first + second).utf8)
        var parser = RequestParser()
        var head = RequestHead()
        #expect(bytes.withUnsafeBytes { parser.parse($0, into: &head) } == .complete(headLength: first.utf8.count))

        let rest = Array(bytes.dropFirst(first.utf8.count))
        #expect(rest.withUnsafeBytes { parser.parse($0, into: &head) } == .complete(headLength: second.utf8.count))
        #expect(rest.text(head.path) == "/b")
        #expect(head.fields.count == 1)
        #expect(head.framing == .none)
    }

    @Test func `a head stands within its limits to the byte`() {
        let limits = HeadLimits(startLineBytes: 16, fieldCount: 2, headBytes: 64)
        let fits =
            "GET /45 HTTP/1.1\r\nHost: a\r\nX: " + String(repeating: "x", count: 64 - 18 - 9 - 3 - 4) + "\r\n\r\n"
        #expect(fits.utf8.count == 64)
        #expect(ParsedRequest(fits, limits: limits).outcome == .complete(headLength: 64))
        #expect(
            ParsedRequest(fits.replacingX(), limits: limits).outcome == .fault(.headTooLarge)
        )
        #expect(
            ParsedRequest("GET /456 HTTP/1.1\r\nHost: a\r\n\r\n", limits: limits).outcome == .fault(.startLineTooLong))
        #expect(
            ParsedRequest("GET / HTTP/1.1\r\nHost: a\r\nA: 1\r\nB: 1\r\n\r\n", limits: limits).outcome
                == .fault(.tooManyFields)
        )
    }

    @Test func `a head without end is refused once the limit is reached`() {
        let limits = HeadLimits(startLineBytes: 32, headBytes: 64)
        #expect(ParsedRequest([UInt8](repeating: 0x41, count: 33), limits: limits).outcome == .incomplete)
        #expect(ParsedRequest([UInt8](repeating: 0x41, count: 34), limits: limits).outcome == .fault(.startLineTooLong))
        let started = "GET / HTTP/1.1\r\nX: "
        let open = started + String(repeating: "x", count: 100)
        #expect(ParsedRequest(open, limits: limits).outcome == .fault(.headTooLarge))
    }
}

extension String {
    /// One `x` more.
    fileprivate func replacingX() -> String { split(separator: "X: ").joined(separator: "X: x") }
}
