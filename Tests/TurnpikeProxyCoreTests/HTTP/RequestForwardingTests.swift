// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeProxyCore

@Suite struct RequestForwardingTests {
    static let id = RequestID(high: 1, low: 2)
    static let trace = TraceParent(traceHigh: 0xA, traceLow: 0xB, parent: 0xC)
    static let added = [
        "X-Forwarded-For: 10.1.2.3", "X-Forwarded-Proto: https", "X-Forwarded-Host: a.test", "X-Request-Id: \(id)",
        "traceparent: 00-000000000000000a000000000000000b-000000000000000c-00",
    ]

    @Test func `a request is passed on with what the gateway knows`() {
        let lines = forward("GET /v1/orders?page=1 HTTP/1.1\r\nAccept: */*\r\nHost: a.test\r\nCookie:  a=b \r\n\r\n")
        #expect(
            lines == [
                "GET /v1/orders?page=1 HTTP/1.1", "Host: a.test", "Accept: */*", "Cookie:  a=b ",
            ] + Self.added)
    }

    @Test func `the normalised path is sent, and the client's query as it was`() {
        let lines = forward("GET /a/../b?x=/../y HTTP/1.1\r\nHost: a.test\r\n\r\n", path: "/b")
        #expect(lines.first == "GET /b?x=/../y HTTP/1.1")
    }

    @Test func `HTTP 1 0 and absolute targets are passed on as HTTP 1 1 in origin form`() {
        let lines = forward("GET http://a.test/x HTTP/1.0\r\n\r\n", path: "/x")
        #expect(lines.prefix(2) == ["GET /x HTTP/1.1", "Host: a.test"])
    }

    @Test func `OPTIONS for the server stays so`() {
        #expect(forward("OPTIONS * HTTP/1.1\r\nHost: a.test\r\n\r\n").first == "OPTIONS * HTTP/1.1")
    }

    @Test func `fields of the connection stop here`() {
        let lines = forward(
            "POST / HTTP/1.1\r\nHost: a.test\r\nConnection: keep-alive, X-Private\r\nKeep-Alive: timeout=5\r\n"
                + "Proxy-Authorization: x\r\nProxy-Connection: x\r\nTE: trailers\r\nTrailer: x\r\nUpgrade: h2c\r\n"
                + "X-Private: 1\r\nX-Public: 2\r\nTransfer-Encoding: chunked\r\nx-private: 3\r\n\r\n"
        )
        #expect(
            lines == [
                "POST / HTTP/1.1", "Host: a.test", "X-Public: 2", "Transfer-Encoding: chunked",
            ] + Self.added)
    }

    @Test func `a client cannot have framing, host or forwarding fields taken out`() {
        let lines = forward(
            "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 3\r\n"
                + "Connection: content-length, host, x-forwarded-for, x-request-id\r\n\r\n"
        )
        #expect(lines == ["POST / HTTP/1.1", "Host: a.test", "Content-Length: 3"] + Self.added)
    }

    @Test func `credentials are dropped where the gateway says so`() {
        let text =
            "GET / HTTP/1.1\r\nHost: a.test\r\nX-Api-Key: k\r\nAuthorization: Bearer k\r\nExpect: 100-continue\r\n\r\n"
        #expect(forward(text, drop: [.xAPIKey, .expect]).contains("Authorization: Bearer k"))
        #expect(forward(text, drop: [.xAPIKey, .authorization, .expect]).count == 2 + Self.added.count)
    }

    @Test func `what an upstream could take for a field of the gateway's does not reach it`() {
        let lookalikes =
            "X_Forwarded_For: 1.1.1.1\r\nX-Forwarded_Proto: http\r\nContent_Length: 44\r\nTRANSFER_ENCODING: chunked\r\n"
            + "x_request-id: 1\r\nX_Api_Key: k\r\nX_FORWARDED_PORT: 1\r\nProxy_Authorization: k\r\n"
        for trustsPeer in [false, true] {
            let lines = forward(
                "GET / HTTP/1.1\r\nHost: a.test\r\n\(lookalikes)my_own: 1\r\n\r\n", trustsPeer: trustsPeer)
            #expect(lines == ["GET / HTTP/1.1", "Host: a.test", "my_own: 1"] + Self.added)
        }
    }

    @Test func `a client cannot choose the proxy of programs behind CGI`() {
        for trustsPeer in [false, true] {
            let lines = forward(
                "GET / HTTP/1.1\r\nHost: a.test\r\nPROXY: http://evil.test\r\nProxy-Status: x\r\n\r\n",
                trustsPeer: trustsPeer)
            #expect(lines == ["GET / HTTP/1.1", "Host: a.test", "Proxy-Status: x"] + Self.added)
        }
    }

    static let spoofed =
        "GET / HTTP/1.1\r\nHost: a.test\r\nX-Forwarded-For: 1.1.1.1\r\nX-Forwarded-Proto: http\r\n"
        + "X-Forwarded-Host: b.test\r\nForwarded: for=1.1.1.1\r\nX-Real-IP: 1.1.1.1\r\nX-Forwarded-Port: 81\r\nx-forwarded-for: 2.2.2.2\r\n\r\n"

    @Test func `a client's own forwarding fields are not believed`() {
        #expect(forward(Self.spoofed) == ["GET / HTTP/1.1", "Host: a.test"] + Self.added)
    }

    @Test func `a trusted peer's forwarding fields are kept and continued`() {
        let lines = forward(Self.spoofed, trustsPeer: true)
        #expect(
            lines.filter { $0.lowercased().hasPrefix("x-forwarded") } == [
                "X-Forwarded-Proto: http", "X-Forwarded-Host: b.test", "X-Forwarded-Port: 81",
                "X-Forwarded-For: 1.1.1.1, 2.2.2.2, 10.1.2.3",
            ])
        #expect(lines.contains("X-Real-IP: 1.1.1.1"))
    }

    @Test func `another host can be sent, and the client's is told`() {
        let lines = forward("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n", host: "orders.internal")
        #expect(lines[1] == "Host: orders.internal")
        #expect(lines.contains("X-Forwarded-Host: a.test"))
    }

    @Test func `a valid trace is kept with its state`() {
        let trace = "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        let lines = forward("GET / HTTP/1.1\r\nHost: a.test\r\n\(trace)\r\ntracestate: a=1\r\n\r\n")
        #expect(lines.filter { $0.hasPrefix("trace") } == [trace, "tracestate: a=1"])
    }

    @Test(
        arguments: [
            "traceparent: 00-x\r\n", "traceparent: 00-00000000000000000000000000000000-b7ad6b7169203331-01\r\n",
            "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n"
                + "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n",
        ] as [Wire])
    func `an invalid trace is replaced, and its state dropped`(fields: Wire) {
        let lines = forward("GET / HTTP/1.1\r\nHost: a.test\r\n\(fields.text)tracestate: a=1\r\n\r\n")
        #expect(lines == ["GET / HTTP/1.1", "Host: a.test"] + Self.added)
    }

    @Test func `the size bound holds where most is added`() {
        let host = String(repeating: "h", count: 255)
        let text =
            "GET http://\(host)/ HTTP/1.1\r\nHost: \(host)\r\n" + String(repeating: "X-Forwarded-For:\r\n", count: 40)
            + String(repeating: "X-Forwarded-For:1\r\n", count: 40) + "\r\n"
        #expect(forward(text, path: "/", trustsPeer: true).count > 3)
        #expect(forward("GET / HTTP/1.0\r\n\r\n").count > 3)
    }

    @Test func `what was forwarded parses again as the same message`() {
        let text = "POST /a?b HTTP/1.1\r\nHost: a.test:81\r\nContent-Length: 9\r\nX: y\r\nConnection: close\r\n\r\n"
        let again = ParsedRequest(forward(text, path: "/a").joined(separator: "\r\n") + "\r\n\r\n")
        #expect(again.outcome == .complete(headLength: again.bytes.count))
        #expect(again.head.framing == .length(9))
        #expect(again.text(again.head.authority) == "a.test:81")
        #expect(again.head.keepAlive)
    }

    private func forward(
        _ text: String, path: String? = nil, host: String? = nil, drop: KnownFieldSet = [], trustsPeer: Bool = false
    ) -> [String] {
        let request = ParsedRequest(text)
        #expect(request.outcome == .complete(headLength: request.bytes.count))
        let path = Array((path ?? request.text(request.head.path)).utf8)
        let host = host.map { Array($0.utf8) }
        let peer = Array("10.1.2.3".utf8)
        let output = request.bytes.withUnsafeBytes { bytes in
            path.withUnsafeBytes { path in
                (host ?? []).withUnsafeBytes { hostBytes in
                    peer.withUnsafeBytes { peer in
                        let forwarding = RequestForwarding(
                            path: path, host: host == nil ? nil : hostBytes, clientAddress: peer, scheme: .https,
                            trustsPeer: trustsPeer, drop: drop, requestID: Self.id, newTrace: Self.trace
                        )
                        return written(capacity: forwarding.sizeBound(request.head)) { writer in
                            forwarding.write(request.head, bytes, to: &writer)
                            writer.appendEndOfHead()
                        }
                    }
                }
            }
        }
        #expect(output?.hasSuffix("\r\n\r\n") == true, "did not fit")
        return headLines(output ?? "")
    }
}
