// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeProxyCore

@Suite struct ResponseForwardingTests {
    static let id = RequestID(high: 1, low: 2)

    @Test func `a response is passed on with its request id`() {
        let lines = forward("HTTP/1.1 200 Fine\r\nContent-Length: 2\r\nX-Request-Id: theirs\r\nServer: x\r\n\r\n")
        #expect(lines == ["HTTP/1.1 200 Fine", "Content-Length: 2", "Server: x", "X-Request-Id: \(Self.id)"])
    }

    @Test func `fields of the upstream's connection stop here`() {
        let lines = forward(
            "HTTP/1.0 404 Gone\r\nConnection: keep-alive, X-Hop\r\nKeep-Alive: x\r\nX-Hop: 1\r\nContent-Length: 0\r\n"
                + "Proxy-Authenticate: x\r\n\r\n"
        )
        #expect(lines == ["HTTP/1.1 404 Gone", "Content-Length: 0", "X-Request-Id: \(Self.id)"])
    }

    @Test func `chunked content stays chunked for HTTP 1 1`() {
        let lines = forward("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        #expect(lines == ["HTTP/1.1 200 OK", "Transfer-Encoding: chunked", "X-Request-Id: \(Self.id)"])
    }

    @Test func `chunked content is decoded and ended by closing for HTTP 1 0`() {
        let text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        let delivery = ResponseDelivery(ParsedResponse(text).head, clientMinorVersion: 0, wantsKeepAlive: true)
        #expect(delivery.decodesChunks && !delivery.keepAlive)
        #expect(forward(text, minorVersion: 0) == ["HTTP/1.1 200 OK", "X-Request-Id: \(Self.id)", "Connection: close"])
    }

    @Test func `content until the close closes the client's connection`() {
        #expect(forward("HTTP/1.1 200 OK\r\n\r\n").last == "Connection: close")
    }

    @Test func `a client of HTTP 1 0 is told that its connection stays`() {
        #expect(
            forward("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n", minorVersion: 0).last == "Connection: keep-alive")
    }

    @Test func `a draining gateway closes`() {
        #expect(
            forward("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n", wantsKeepAlive: false).last == "Connection: close")
    }

    @Test(
        arguments: [
            ("HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", false, false),
            ("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", false, true),
            ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", true, true),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", true, false),
        ] as [(Wire, Bool, Bool)])
    func `a length stays where it says something about content that is not sent`(
        text: Wire, answersHead: Bool, staysThere: Bool
    ) {
        let lines = forward(text.text, answersHead: answersHead)
        #expect(lines.contains("Content-Length: 5") == staysThere)
        #expect(!lines.contains { $0.hasPrefix("Transfer-Encoding") })
        #expect(!lines.contains("Connection: close"))
    }

    private func forward(
        _ text: String, answersHead: Bool = false, minorVersion: UInt8 = 1, wantsKeepAlive: Bool = true
    ) -> [String] {
        let response = ParsedResponse(text, answersHead: answersHead)
        let forwarding = ResponseForwarding(
            delivery: ResponseDelivery(
                response.head, clientMinorVersion: minorVersion, wantsKeepAlive: wantsKeepAlive
            ),
            clientMinorVersion: minorVersion, requestID: Self.id
        )
        let output = response.bytes.withUnsafeBytes { bytes in
            written(capacity: forwarding.sizeBound(response.head)) { writer in
                forwarding.write(response.head, bytes, to: &writer)
                writer.appendEndOfHead()
            }
        }
        #expect(output?.hasSuffix("\r\n\r\n") == true, "did not fit")
        return headLines(output ?? "")
    }
}
