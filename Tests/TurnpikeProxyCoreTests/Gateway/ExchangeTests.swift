// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeMetering
import TurnpikeModel
import TurnpikeSnapshot

@testable import TurnpikeProxyCore

/// Requests and answers on their way through, piece by piece.
@Suite struct ExchangeTests {
    private let get = "GET /v1/orders HTTP/1.1\r\nHost: api.acme.test\r\n\r\n"
    private let empty = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

    private func rig(
        _ resources: [CompiledResource] = [], limits: GatewayLimits = GatewayLimits()
    ) throws -> ConnectionRig {
        try ConnectionRig(resources.isEmpty ? [Sample.route(), Sample.cluster()] : resources, limits: limits)
    }

    private func post(_ content: String, _ fields: String = "") -> String {
        "POST /v1/orders HTTP/1.1\r\nHost: api.acme.test\r\nContent-Length: \(content.utf8.count)\r\n\(fields)\r\n\(content)"
    }

    // MARK: - There and back

    @Test func `an exchange leaves both connections ready for the next`() throws {
        let rig = try rig()
        let id = try rig.exchange(get)
        #expect(rig.sent[id]?.hasPrefix("GET /v1/orders HTTP/1.1\r\nHost: api.acme.test\r\n") == true)
        rig.receive(from: id, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: b\r\n\r\nhello")
        let answer = rig.takeClient()
        #expect(
            answer.hasPrefix("HTTP/1.1 200 OK\r\n") && answer.hasSuffix("\r\n\r\nhello")
                && answer.contains("X-A: b\r\n"))
        #expect(rig.actions.last == .detach(id) && rig.connection.isIdle)
        rig.receive(get)
        #expect(rig.actions.last == .attach(id))
        rig.receive(from: id, empty)
        #expect(rig.status == 200 && rig.recorder.total.requests == 2)
    }

    @Test func `bytes are counted as they crossed the wire`() throws {
        let rig = try rig()
        let request = post("0123456789")
        let id = try rig.exchange(request)
        rig.receive(from: id, "HTTP/1.1 201 Created\r\nContent-Length: 3\r\n\r\nabc")
        #expect(rig.recorder.total.bytesIn == Int64(request.utf8.count))
        #expect(rig.recorder.total.bytesOut == Int64(rig.client.utf8.count))
        #expect(rig.recorder.series.keys.map(\.statusClass) == [2])
    }

    @Test func `requests sent ahead are answered one after the other`() throws {
        let rig = try rig()
        rig.receive(get + post("abc") + get.replacing("/v1/orders", with: "/nowhere") + get)
        let id = try rig.connect()
        #expect(rig.sent[id]?.components(of: "HTTP/1.1\r\n") == 1)
        rig.receive(from: id, empty)
        #expect(rig.sent[id]?.hasSuffix("\r\n\r\nabc") == true)
        rig.receive(from: id, empty)
        #expect(rig.client.components(of: "HTTP/1.1 404") == 1)
        rig.receive(from: id, empty)
        #expect(rig.client.components(of: "HTTP/1.1 200") == 3 && rig.connection.isIdle)
    }

    @Test func `any cut of the bytes gives the same exchange`() throws {
        let request = post("hello, world") + get
        let response =
            "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n0\r\n\r\n"
        func run(_ size: Int) throws -> (String, String) {
            let rig = try rig()
            for piece in request.pieces(of: size) {
                rig.receive(piece)
                if let id = rig.connecting, rig.sent[id] == nil { try rig.connect() }
            }
            let id = try #require(rig.connection.upstreamID)
            for piece in response.pieces(of: size) { rig.receive(from: id, piece) }
            for piece in response.pieces(of: size) { rig.receive(from: id, piece) }
            #expect(rig.connection.isIdle)
            return (rig.client, rig.sent[id] ?? "")
        }
        let whole = try run(10_000)
        #expect(whole.0.components(of: "HTTP/1.1 103") == 2 && whole.0.components(of: "5\r\nabcde\r\n0\r\n\r\n") == 2)
        for size in 1...40 {
            let cut = try run(size)
            #expect(cut.0 == whole.0 && cut.1 == whole.1, "pieces of \(size)")
        }
    }

    @Test(arguments: [
        ("HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n"), ("GET", "HTTP/1.1 204 No Content\r\n\r\n"),
        ("GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n"),
    ])
    func `answers without content end with their head`(method: String, response: String) throws {
        let rig = try rig()
        let id = try rig.exchange(get.replacing("GET", with: method))
        rig.receive(from: id, response)
        #expect(rig.connection.isIdle && rig.actions.last == .detach(id))
    }

    @Test func `content without a length is ended by closing`() throws {
        let rig = try rig()
        let id = try rig.exchange(get)
        rig.receive(from: id, "HTTP/1.1 200 OK\r\n\r\nabc")
        rig.receive(from: id, "def")
        rig.does { $0.upstreamClosed(id) }
        #expect(rig.client.contains("Connection: close\r\n") && rig.client.hasSuffix("\r\n\r\nabcdef"))
        #expect(rig.actions.last == .closeClient)
        #expect(rig.gateway.upstreams.openCount == 0)
    }

    @Test func `a client of HTTP 1 0 gets content without chunks`() throws {
        let rig = try rig()
        let id = try rig.exchange("GET /v1/orders HTTP/1.0\r\nHost: api.acme.test\r\nConnection: keep-alive\r\n\r\n")
        for piece in "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nT: 1\r\n\r\n"
            .pieces(of: 7)
        {
            rig.receive(from: id, piece)
        }
        #expect(rig.client.hasSuffix("\r\n\r\nabcde") && !rig.client.contains("chunked"))
        #expect(rig.actions.suffix(2) == [.detach(id), .closeClient])
    }

    @Test func `an upstream that closes after its answer is not used again`() throws {
        let rig = try rig()
        let id = try rig.exchange(get)
        rig.receive(from: id, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
        #expect(rig.actions.last == .closeUpstream(id) && rig.connection.isIdle)
    }

    @Test func `an upstream that says more than it was asked is not used again`() throws {
        let rig = try rig()
        let id = try rig.exchange(get)
        rig.receive(from: id, empty + "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecond")
        #expect(rig.actions.last == .closeUpstream(id) && rig.client.components(of: "200") == 1)
        #expect(!rig.client.contains("second"))
    }

    // MARK: - Content of requests

    @Test func `content waits for the upstream and then goes on as it comes`() throws {
        let rig = try rig()
        rig.receive("POST /v1/orders HTTP/1.1\r\nHost: api.acme.test\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
        rig.receive("2\r\nde\r\n")
        let id = try rig.connect()
        #expect(rig.sent[id]?.hasSuffix("\r\n\r\n3\r\nabc\r\n2\r\nde\r\n") == true)
        rig.receive("0\r\n\r\n")
        #expect(rig.sent[id]?.hasSuffix("de\r\n0\r\n\r\n") == true)
        rig.receive(from: id, empty)
        #expect(rig.connection.isIdle)
    }

    @Test func `a client that asks first is told to go on, once somebody listens`() throws {
        let rig = try rig()
        rig.receive(
            "POST /v1/orders HTTP/1.1\r\nHost: api.acme.test\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
        #expect(rig.client.isEmpty)
        let id = try rig.connect()
        #expect(rig.takeClient() == "HTTP/1.1 100 Continue\r\n\r\n")
        #expect(rig.sent[id]?.contains("Expect") == false)
        rig.receive("abc")
        rig.receive(from: id, "HTTP/1.1 100 Continue\r\n\r\n" + empty)
        #expect(rig.client.components(of: "HTTP/1.1 100") == 0 && rig.status == 200)
    }

    @Test func `a client that asks first and is refused is not told to go on`() throws {
        let rig = try rig()
        rig.receive(
            "POST /nowhere HTTP/1.1\r\nHost: api.acme.test\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
        #expect(rig.status == 404 && rig.client.contains("Connection: close\r\n"))
        #expect(rig.actions.last == .shutClientOutput)
    }

    @Test func `short content of a refused request is thrown away, and the connection goes on`() throws {
        let rig = try rig()
        rig.receive("POST /nowhere HTTP/1.1\r\nHost: api.acme.test\r\nContent-Length: 6\r\n\r\nabc")
        #expect(rig.status == 404 && !rig.connection.isIdle)
        _ = rig.takeClient()
        rig.receive("def" + get)
        let id = try rig.connect()
        rig.receive(from: id, empty)
        #expect(rig.status == 200)
    }

    @Test(arguments: [
        ("zz\r\n", "malformed-request", 400), ("3\r\nabcd\r\n", "malformed-request", 400),
        ("0\r\nHost: evil\r\n\r\n", "malformed-request", 400),
    ])
    func `malformed content never reaches its end upstream`(content: String, code: String, status: Int) throws {
        let rig = try rig()
        let id = try rig.exchange(
            "POST /v1/orders HTTP/1.1\r\nHost: api.acme.test\r\nTransfer-Encoding: chunked\r\n\r\n")
        let head = rig.sent[id]
        rig.receive(content)
        #expect(rig.status == status && rig.client.contains(code))
        #expect(rig.actions.contains(.closeUpstream(id)) && rig.actions.last == .shutClientOutput)
        #expect(rig.sent[id] == head)
    }

    @Test func `content beyond the bound is a 413, announced or not`() throws {
        let limits = GatewayLimits(bodyBytes: 4)
        let announced = try rig(limits: limits)
        announced.receive(post("12345"))
        #expect(announced.status == 413 && announced.connecting == nil)
        let chunked = try rig(limits: limits)
        _ = try chunked.exchange(
            "POST /v1/orders HTTP/1.1\r\nHost: api.acme.test\r\nTransfer-Encoding: chunked\r\n\r\n")
        chunked.receive("5\r\n12345\r\n")
        #expect(chunked.status == 413)
    }

    @Test func `an early answer goes on at once and ends the connection`() throws {
        let rig = try rig()
        let id = try rig.exchange("POST /v1/orders HTTP/1.1\r\nHost: api.acme.test\r\nContent-Length: 100\r\n\r\nabc")
        rig.receive(from: id, "HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n")
        #expect(rig.status == 413 && rig.client.contains("Connection: close\r\n"))
        #expect(rig.actions.suffix(2) == [.closeUpstream(id), .shutClientOutput])
        rig.receive("more")
        rig.passDeadline()
        #expect(rig.actions.last == .closeClient)
    }

    // MARK: - Back-pressure

    @Test func `a client that does not read stops the upstream`() throws {
        let rig = try rig()
        let id = try rig.exchange(get)
        rig.receive(from: id, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc")
        rig.does { $0.clientWritability(false) }
        #expect(!rig.readsUpstream)
        rig.does { $0.clientWritability(true) }
        #expect(rig.readsUpstream)
    }

    @Test func `a client that takes no answers is not asked for further requests`() throws {
        let rig = try rig()
        let refused = get.replacing("/v1/orders", with: "/nowhere")
        rig.receive(refused)
        #expect(rig.takeClient().hasPrefix("HTTP/1.1 404") && rig.readsClient)
        rig.does { $0.clientWritability(false) }
        #expect(!rig.readsClient)
        rig.receive(refused + refused)
        #expect(rig.client.isEmpty)
        rig.does { $0.clientWritability(true) }
        #expect(rig.takeClient().components(of: "HTTP/1.1 404") == 2 && rig.readsClient)
        // One that never takes them is closed like any that is silent.
        rig.does { $0.clientWritability(false) }
        rig.receive(refused)
        rig.passDeadline()
        #expect(rig.actions.last == .closeClient && rig.client.isEmpty)
    }

    @Test func `refusals of requests sent ahead come a bounded amount at a time`() throws {
        let rig = try rig()
        let count = 1000
        rig.receive(String(repeating: get.replacing("/v1/orders", with: "/nowhere"), count: count))
        var answered = 0
        for _ in 0..<count {
            #expect(rig.client.utf8.count < 128 << 10)
            answered += rig.takeClient().components(of: "HTTP/1.1 404")
            guard !rig.readsClient else { break }
            #expect(answered < count && rig.connection.deadline == rig.now)
            rig.does { $0.timerFired() }
        }
        #expect(answered == count && rig.readsClient && rig.connection.isIdle && rig.connection.deadline > rig.now)
    }

    @Test func `an upstream that does not read stops the client`() throws {
        let rig = try rig()
        let id = try rig.exchange("POST /v1/orders HTTP/1.1\r\nHost: api.acme.test\r\nContent-Length: 1000\r\n\r\nabc")
        rig.does { $0.upstreamWritability(id, false) }
        #expect(!rig.readsClient)
        rig.does { $0.upstreamWritability(id, true) }
        #expect(rig.readsClient)
    }

    @Test func `what cannot be passed on yet is bounded`() throws {
        let rig = try rig()
        rig.receive("POST /v1/orders HTTP/1.1\r\nHost: api.acme.test\r\nContent-Length: 1000000\r\n\r\n")
        let piece = String(repeating: "x", count: 16 << 10)
        var pieces = 0
        while rig.readsClient, pieces < 100 {
            rig.receive(piece)
            pieces += 1
        }
        #expect(pieces == 4)
        try rig.connect()
        #expect(rig.readsClient && rig.connection.backlog.isEmpty)
    }
}

extension String {
    /// Texts of so many bytes, the last one shorter; for ASCII.
    func pieces(of size: Int) -> [String] {
        let bytes = Array(utf8)
        return stride(from: 0, to: bytes.count, by: size).map {
            String(decoding: bytes[$0..<Swift.min($0 + size, bytes.count)], as: UTF8.self)
        }
    }

    /// How often `text` stands in it.
    func components(of text: String) -> Int { ranges(of: text).count }
}
