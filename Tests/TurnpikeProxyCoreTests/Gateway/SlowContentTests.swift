// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeModel

@testable import TurnpikeProxyCore

/// Clients that send content little by little: a time-out that each byte sets anew would bound nothing.
@Suite struct SlowContentTests {
    private let put = "PUT /v1/orders HTTP/1.1\r\nHost: api.acme.test\r\nContent-Length: 1000000\r\n\r\n"

    private func rig(
        rate: UInt64 = 240, streamIdleTimeout: Duration? = nil, protocol: Service.UpstreamProtocol = .http
    ) throws -> ConnectionRig {
        let cluster = Sample.cluster(
            responseTimeout: .seconds(600), streamIdleTimeout: streamIdleTimeout, protocol: `protocol`)
        return try ConnectionRig(
            [Sample.route(), cluster],
            limits: GatewayLimits(bodyTimeout: 60 * .second, bodyRate: rate))
    }

    /// Sends a byte twice a second, until there is an answer.
    ///
    /// - Returns: after how many.
    private func drip(_ rig: ConnectionRig, atMost count: Int = 1000) -> Int {
        for number in 0..<count {
            guard rig.status == nil else { return number }
            rig.receive("x")
            rig.advance(by: .second / 2)
            rig.does { $0.timerFired() }
        }
        return count
    }

    @Test func `content that drips is a 408 once its time is used up, and the client's fault`() throws {
        let rig = try rig()
        let id = try rig.exchange(put)
        // Each byte earns a 240th of a second.
        #expect((120...122).contains(drip(rig)))
        #expect(rig.status == 408 && rig.actions.contains(.closeUpstream(id)))
        #expect(rig.observer.failures.isEmpty && rig.gateway.upstreams.openCount == 0)
    }

    private static let stream = "POST /v1/orders HTTP/1.1\r\nHost: api.acme.test\r\nTransfer-Encoding: chunked\r\n"

    @Test func `a stream of gRPC's may send a small message now and then, but not be silent`() throws {
        let rig = try rig(protocol: .http2)
        _ = try rig.exchange(Self.stream + "Content-Type: application/grpc+proto\r\n\r\n")
        for _ in 0..<100 {
            rig.receive("6\r\n\0\0\0\0\u{1}x\r\n")
            rig.advance(by: 59 * .second)
            rig.does { $0.timerFired() }
        }
        #expect(rig.status == nil)
        rig.advance(by: .second)
        rig.does { $0.timerFired() }
        #expect(rig.status == 408)
    }

    @Test(
        arguments: [
            (.http, "application/grpc", "Transfer-Encoding: chunked", "1\r\nx\r\n"),
            (.http2, "application/json", "Transfer-Encoding: chunked", "1\r\nx\r\n"),
            (.http2, "application/grpc", "Content-Length: 100000", "x"),
        ] as [(Service.UpstreamProtocol, String, String, String)])
    func `what only looks a little like gRPC is held to the rate`(
        protocol: Service.UpstreamProtocol, type: String, framing: String, piece: String
    ) throws {
        let rig = try rig(protocol: `protocol`)
        _ = try rig.exchange(
            "POST /v1/orders HTTP/1.1\r\nHost: api.acme.test\r\nContent-Type: \(type)\r\n\(framing)\r\n\r\n")
        for _ in 0..<200 where rig.status == nil {
            rig.receive(piece)
            rig.advance(by: .second)
            rig.does { $0.timerFired() }
        }
        #expect(rig.status == 408)
    }

    @Test func `content that keeps to the rate is waited for, however long it takes`() throws {
        let rig = try rig()
        _ = try rig.exchange(put)
        for _ in 0..<3600 {
            rig.receive(String(repeating: "x", count: 240))
            rig.advance(by: .second)
            rig.does { $0.timerFired() }
        }
        #expect(rig.status == nil)
        rig.receive(String(repeating: "x", count: 240))
        rig.advance(by: 60 * .second - 1)
        rig.does { $0.timerFired() }
        #expect(rig.status == nil)
        rig.passDeadline()
        #expect(rig.status == 408)
    }

    @Test func `what came quickly earns no time beyond the time-out`() throws {
        let rig = try rig()
        _ = try rig.exchange(put)
        rig.receive(String(repeating: "x", count: 500_000))
        #expect((120...122).contains(drip(rig)))
    }

    @Test func `a client is not charged for the time in which its upstream takes nothing`() throws {
        let rig = try rig()
        let id = try rig.exchange(put)
        rig.advance(by: 30 * .second)
        rig.does { $0.upstreamWritability(id, false) }
        rig.advance(by: 300 * .second)
        rig.does { $0.timerFired() }
        rig.does { $0.upstreamWritability(id, true) }
        rig.advance(by: 30 * .second - 1)
        rig.does { $0.timerFired() }
        #expect(rig.status == nil)
        rig.passDeadline()
        #expect(rig.status == 408)
    }

    @Test func `a client is not charged for another connection to its upstream`() throws {
        let rig = try ConnectionRig(
            [
                Sample.route(),
                Sample.cluster(
                    endpoints: [("10.0.0.1", 80), ("10.0.0.2", 80)], connectTimeout: .seconds(60),
                    retries: Retries(on: [.reset], backOff: .init(baseInterval: .milliseconds(1)))),
            ],
            limits: GatewayLimits(bodyTimeout: 60 * .second))
        let first = try rig.exchange(put)
        rig.receive("x")
        rig.advance(by: 50 * .second)
        rig.does { $0.upstreamClosed(first) }
        rig.passDeadline()
        rig.advance(by: 50 * .second)
        try rig.connect()
        rig.advance(by: 60 * .second - 1)
        rig.does { $0.timerFired() }
        #expect(rig.status == nil)
        rig.passDeadline()
        #expect(rig.status == 408)
    }

    @Test func `without a rate, any byte sets the time-out anew`() throws {
        let rig = try rig(rate: 0)
        _ = try rig.exchange(put)
        #expect(drip(rig) == 1000)
    }

    @Test func `streams of a service that says how long they may be silent have no rate`() throws {
        let rig = try rig(streamIdleTimeout: .seconds(1))
        _ = try rig.exchange(put)
        #expect(drip(rig) == 1000)
    }

    @Test func `a stream whose answer has begun has no rate`() throws {
        let rig = try rig()
        let id = try rig.exchange(put)
        rig.receive(from: id, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in 0..<1000 {
            rig.receive("x")
            rig.advance(by: .second / 2)
            rig.does { $0.timerFired() }
        }
        #expect(rig.observer.exchanges.isEmpty)
    }
}
