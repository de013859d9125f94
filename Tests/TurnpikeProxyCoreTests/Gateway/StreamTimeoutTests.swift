// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeModel

@testable import TurnpikeProxyCore

/// How long the two sides of a request may be silent, one that both go on with at once above all.
@Suite struct StreamTimeoutTests {
    private let post =
        "POST /v1/orders HTTP/1.1\r\nHost: api.acme.test\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n"
    private let begun = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nb\r\n"
    private let limits = GatewayLimits(bodyTimeout: 60 * .second)

    private func rig(_ streamIdleTimeout: Duration? = nil, response: Duration = .seconds(30)) throws -> ConnectionRig {
        try ConnectionRig(
            [Sample.route(), Sample.cluster(responseTimeout: response, streamIdleTimeout: streamIdleTimeout)],
            limits: limits)
    }

    /// Lets that much time pass, in which nothing may happen.
    private func pass(_ time: UInt64, _ rig: ConnectionRig) {
        rig.advance(by: time)
        rig.does { $0.timerFired() }
        #expect(rig.observer.exchanges.isEmpty)
    }

    /// Whoever spoke last, in a stream whose answer has begun.
    private func open(_ rig: ConnectionRig, clientLast: Bool) throws -> UpstreamID {
        let id = try rig.exchange(post)
        rig.receive(from: id, begun)
        if clientLast { rig.receive("1\r\nc\r\n") }
        return id
    }

    @Test(arguments: [true, false], [5, 900])
    func `a stream lives for as long as either side speaks within its time`(clientLast: Bool, seconds: Int) throws {
        let rig = try rig(.seconds(seconds))
        let id = try open(rig, clientLast: clientLast)
        let almost = UInt64(seconds) * .second - 1
        for _ in 0..<3 {
            pass(almost, rig)
            rig.receive("1\r\nd\r\n")
            pass(almost, rig)
            rig.receive(from: id, "1\r\ne\r\n")
        }
        pass(almost, rig)
        rig.advance(by: 1)
        rig.does { $0.timerFired() }
        #expect(rig.actions.suffix(2) == [.closeUpstream(id), .abortClient])
    }

    @Test func `a stream on which both are silent is nobody's fault`() throws {
        let rig = try rig(.seconds(5))
        _ = try open(rig, clientLast: true)
        rig.passDeadline()
        #expect(rig.observer.exchanges.map(\.detail) == ["Neither side sent anything for too long."])
        #expect(rig.observer.failures.isEmpty)
    }

    @Test func `an answer that pauses for too long once the request is whole is the upstream's fault`() throws {
        let rig = try rig(.seconds(5))
        _ = try open(rig, clientLast: false)
        rig.receive("0\r\n\r\n")
        pass(5 * .second - 1, rig)
        rig.passDeadline()
        #expect(rig.observer.failures == [.timeout])
    }

    @Test func `a time of zero never ends`() throws {
        let rig = try rig(.zero)
        let id = try open(rig, clientLast: true)
        pass(1_000_000 * .second, rig)
        rig.receive(from: id, "0\r\n\r\n")
        #expect(rig.observer.exchanges.map(\.status) == [200])
    }

    @Test func `a client that has not been answered yet may pause as long, and is told that it was too long`() throws {
        let rig = try rig(.seconds(300))
        _ = try rig.exchange(post)
        pass(300 * .second - 1, rig)
        rig.receive("1\r\nc\r\n")
        pass(300 * .second - 1, rig)
        rig.passDeadline()
        #expect(rig.status == 408 && rig.observer.failures.isEmpty)
    }

    @Test func `the head of an answer is waited for as long as the service says, once the request is whole`() throws {
        let rig = try rig(.seconds(300))
        _ = try rig.exchange(post)
        rig.receive("0\r\n\r\n")
        pass(30 * .second - 1, rig)
        rig.passDeadline()
        #expect(rig.status == 504 && rig.now == 31 * .second)
    }

    @Test func `a client that takes nothing of its answer is cut off as ever`() throws {
        let rig = try rig(.zero)
        let id = try open(rig, clientLast: false)
        rig.does { $0.clientWritability(false) }
        pass(60 * .second - 1, rig)
        rig.passDeadline()
        #expect(rig.actions.suffix(2) == [.closeUpstream(id), .abortClient] && rig.observer.failures.isEmpty)
    }

    @Test(arguments: [(.seconds(30), 60), (.seconds(900), 900)] as [(Duration, UInt64)])
    func `where the service says nothing, a stream has the longer of the times for an answer and for content`(
        response: Duration, seconds: UInt64
    ) throws {
        let rig = try rig(response: response)
        let id = try open(rig, clientLast: true)
        pass(seconds * .second - 1, rig)
        rig.receive(from: id, "1\r\ne\r\n")
        pass(seconds * .second - 1, rig)
        rig.passDeadline()
        #expect(rig.actions.last == .abortClient && rig.observer.failures.isEmpty)
    }
}
