// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeMetering
import TurnpikeModel
import TurnpikeSnapshot

@testable import TurnpikeProxyCore

/// A route takes as much content as it says, and not a byte more.
@Suite struct MaxContentBytesTests {
    private let chunked = "POST /v1/orders HTTP/1.1\r\nHost: api.acme.test\r\nTransfer-Encoding: chunked\r\n\r\n"
    private let empty = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

    private func rig(
        _ most: Int64 = 5, extra: [CompiledResource] = [],
        limits: GatewayLimits = GatewayLimits()
    ) throws -> ConnectionRig {
        let route = Sample.route(maxContentBytes: most)
        return try ConnectionRig([route, Sample.cluster()] + extra, limits: limits)
    }

    private func post(_ content: String, _ fields: String = "") -> String {
        "POST /v1/orders HTTP/1.1\r\nHost: api.acme.test\r\nContent-Length: \(content.utf8.count)\r\n\(fields)\r\n\(content)"
    }

    @Test(arguments: [0, 1, 5, 100_000] as [Int64])
    func `as much content as allowed goes through, announced or not`(most: Int64) throws {
        let content = String(repeating: "x", count: Int(most))
        for request in [
            post(content), chunked + (most > 0 ? "\(String(most, radix: 16))\r\n\(content)\r\n" : "") + "0\r\n\r\n",
        ] {
            let rig = try rig(most)
            let id = try rig.exchange(request)
            rig.receive(from: id, empty)
            #expect(rig.status == 200 && rig.sent[id]?.contains(content) == true && rig.connection.isIdle)
        }
    }

    @Test func `announced content of more is refused before any upstream is asked`() throws {
        let rig = try rig()
        rig.receive(post("123456"))
        #expect(rig.status == 413 && rig.client.contains("body-too-large") && rig.connecting == nil)
        #expect(rig.client.contains("The content may have 5 bytes at most."))
        let exchange = try #require(rig.observer.exchanges.first)
        #expect(exchange.route?.name == "orders" && exchange.refusal == .bodyTooLarge && !exchange.admitted)
        #expect(exchange.detail == "The content may have 5 bytes at most.")
        // What was short enough to be thrown away leaves the connection good.
        #expect(rig.connection.isIdle)
        _ = rig.takeClient()
        let id = try rig.exchange(post("12345"))
        #expect(rig.sent[id]?.hasSuffix("12345") == true)
    }

    @Test func `a refusal for content spends nothing`() throws {
        let rig = try rig(
            extra: [Sample.rateLimit(per: .tenant, limit: 1, interval: .seconds(60)), Sample.quota()])
        for _ in 0..<3 { rig.receive(post("123456")) }
        #expect(rig.takeClient().components(of: "HTTP/1.1 413") == 3)
        #expect(rig.gateway.takeLeaseWants().isEmpty && rig.recorder.consumed.isEmpty)
        #expect(rig.recorder.total.requests == 3 && rig.recorder.total.units == 0)
        // The one request that the rate limit allows is still to be had.
        rig.receive(post("12345"))
        rig.grant(10)
        #expect(rig.connecting != nil && rig.client.isEmpty)
    }

    @Test func `a client that asks first is refused at once, and not told to go on`() throws {
        let rig = try rig()
        rig.receive(
            "POST /v1/orders HTTP/1.1\r\nHost: api.acme.test\r\nContent-Length: 6\r\nExpect: 100-continue\r\n\r\n")
        #expect(rig.status == 413 && rig.client.contains("Connection: close\r\n"))
    }

    @Test func `content of no announced length is cut off behind the last byte allowed`() throws {
        let rig = try rig(extra: [Sample.quota()])
        rig.receive(chunked)
        rig.grant(10)
        let id = try rig.connect()
        rig.receive("5\r\n12345\r\n")
        #expect(rig.client.isEmpty && rig.sent[id]?.hasSuffix("5\r\n12345\r\n") == true)
        let sent = rig.sent[id]
        rig.receive("1\r\n6\r\n0\r\n\r\n")
        #expect(rig.status == 413 && rig.client.contains("The content may have 5 bytes at most."))
        // The upstream sees its connection closed within the content, and cannot take it for whole.
        #expect(rig.sent[id] == sent && rig.actions.contains(.closeUpstream(id)))
        #expect(rig.actions.last == .shutClientOutput && rig.observer.exchanges.map(\.refusal) == [.bodyTooLarge])
        // That it was too much could not be known when the unit was spent.
        #expect(rig.recorder.consumed.values.reduce(0, +) == 1 && rig.recorder.total.units == 1)
    }

    @Test func `an answer that has begun is cut short`() throws {
        let rig = try rig()
        let id = try rig.exchange(chunked)
        rig.receive(from: id, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
        rig.receive("6\r\n123456\r\n")
        #expect(rig.status == 200 && !rig.client.contains("413") && rig.actions.last == .abortClient)
        #expect(rig.observer.exchanges.map(\.detail) == ["The request's content was refused: content too large."])
    }

    @Test func `the gateway's own bound holds where it is the lower`() throws {
        let limits = GatewayLimits(bodyBytes: 4)
        let announced = try rig(limits: limits)
        announced.receive(post("12345"))
        #expect(announced.status == 413 && announced.connecting == nil)
        let unannounced = try rig(limits: limits)
        _ = try unannounced.exchange(chunked)
        unannounced.receive("5\r\n12345\r\n")
        #expect(unannounced.status == 413 && unannounced.client.contains("The content may have 4 bytes at most."))
    }

    @Test func `the next request on a connection has the bound of its own route`() throws {
        let rig = try ConnectionRig([
            Sample.route(maxContentBytes: 5), Sample.route("free", id: 2, paths: [.exact("/v1/free")]),
            Sample.cluster(),
        ])
        let id = try rig.exchange(chunked + "5\r\n12345\r\n0\r\n\r\n")
        rig.receive(from: id, empty)
        _ = rig.takeClient()
        rig.receive(chunked.replacing("/v1/orders", with: "/v1/free") + "6\r\n123456\r\n0\r\n\r\n")
        rig.receive(from: id, empty)
        #expect(rig.status == 200)
    }
}
