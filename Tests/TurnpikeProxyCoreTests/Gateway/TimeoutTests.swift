// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeModel
import TurnpikeSnapshot

@testable import TurnpikeProxyCore

/// Every time that a request may take at its upstream, one by one: what happens when it is over, and nothing before.
@Suite struct TimeoutTests {
    private let get = "GET /v1/orders HTTP/1.1\r\nHost: api.acme.test\r\n\r\n"
    private let put = "PUT /v1/orders HTTP/1.1\r\nHost: api.acme.test\r\nContent-Length: 9\r\n\r\nabc"
    private let begun = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"

    private func rig(
        connect: Duration = .seconds(60), response: Duration = .seconds(600), perTry: Duration? = nil,
        whole: Duration? = nil, idle: Duration? = nil
    ) throws -> ConnectionRig {
        try ConnectionRig([
            Sample.route(),
            Sample.cluster(
                connectTimeout: connect, responseTimeout: response, requestTimeout: whole, idleTimeout: idle,
                retries: perTry.map { Retries(on: [.connectFailure], perTryTimeout: $0) }),
        ])
    }

    /// Lets a second pass less a nanosecond, in which nothing may happen, and then that.
    private func passSecond(_ rig: ConnectionRig) {
        let (actions, client) = (rig.actions, rig.client)
        rig.advance(by: .second - 1)
        rig.does { $0.timerFired() }
        #expect(rig.actions == actions && rig.client == client)
        #expect(rig.connection.deadline == rig.now + 1)
        rig.advance(by: 1)
        rig.does { $0.timerFired() }
    }

    @Test func `connecting`() throws {
        let rig = try rig(connect: .seconds(1))
        rig.receive(get)
        passSecond(rig)
        #expect(rig.status == 504 && rig.observer.failures == [.connectTimeout])
    }

    @Test func `one try`() throws {
        let rig = try rig(perTry: .seconds(1))
        _ = try rig.exchange(get)
        passSecond(rig)
        #expect(rig.status == 504 && rig.observer.failures == [.timeout])
    }

    @Test func `one try whose connection is not made`() throws {
        let rig = try rig(perTry: .seconds(1))
        rig.receive("POST /v1/orders HTTP/1.1\r\nHost: api.acme.test\r\n\r\n")
        let first = try #require(rig.connecting)
        passSecond(rig)
        #expect(rig.actions.last == .closeUpstream(first) && rig.observer.failures == [.connectTimeout])
        rig.passDeadline()
        #expect(rig.connecting != nil)
    }

    @Test func `the head of the answer`() throws {
        let rig = try rig(response: .seconds(1))
        _ = try rig.exchange(get)
        passSecond(rig)
        #expect(rig.status == 504 && rig.observer.failures == [.timeout])
    }

    @Test func `the head of the answer, from the last piece of the request`() throws {
        let rig = try rig(response: .seconds(1))
        _ = try rig.exchange(put)
        rig.advance(by: 20 * .second)
        rig.receive("defghi")
        passSecond(rig)
        #expect(rig.status == 504)
    }

    @Test func `the next piece of the answer`() throws {
        let rig = try rig(response: .seconds(1))
        let id = try rig.exchange(get)
        for piece in [begun, "d", "e"] {
            rig.advance(by: .second / 2)
            rig.receive(from: id, piece)
        }
        passSecond(rig)
        #expect(rig.actions.last == .abortClient && rig.observer.failures == [.timeout])
    }

    @Test func `the whole request, while its connection is made`() throws {
        let rig = try rig(whole: .seconds(1))
        rig.receive(get)
        let id = try #require(rig.connecting)
        passSecond(rig)
        #expect(rig.status == 504 && rig.actions.last == .closeUpstream(id))
        // The endpoint did nothing wrong yet.
        #expect(rig.observer.failures.isEmpty && rig.gateway.upstreams.openCount == 0)
    }

    @Test func `the whole request, before it is answered`() throws {
        let rig = try rig(whole: .seconds(1))
        let id = try rig.exchange(get)
        passSecond(rig)
        #expect(rig.status == 504 && rig.actions.last == .closeUpstream(id) && rig.connection.isIdle)
    }

    @Test func `the whole request, within its answer`() throws {
        let rig = try rig(whole: .seconds(1))
        let id = try rig.exchange(get)
        rig.receive(from: id, begun)
        passSecond(rig)
        #expect(rig.actions.suffix(2) == [.closeUpstream(id), .abortClient])
    }

    @Test func `the whole request, which the client has not sent yet`() throws {
        let rig = try rig(whole: .seconds(1))
        _ = try rig.exchange(put)
        passSecond(rig)
        #expect(rig.status == 408 && rig.observer.failures.isEmpty)
    }

    @Test func `the whole request, whose answer the client does not take`() throws {
        let rig = try rig(whole: .seconds(1))
        let id = try rig.exchange(get)
        rig.receive(from: id, begun)
        rig.does { $0.clientWritability(false) }
        passSecond(rig)
        #expect(rig.actions.last == .abortClient && rig.observer.failures.isEmpty)
    }

    @Test func `the whole of one request is not the next one's`() throws {
        let rig = try rig(whole: .seconds(1))
        let id = try rig.exchange(get)
        rig.receive(from: id, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        rig.advance(by: 5 * .second)
        rig.receive(get)
        #expect(rig.actions.last == .attach(id))
        passSecond(rig)
        #expect(rig.observer.exchanges.map(\.status) == [200, 504])
    }

    @Test func `an upstream connection between two requests`() throws {
        let rig = try rig()
        let id = try rig.exchange(get)
        rig.receive(from: id, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        rig.advance(by: 60 * .second - 1)
        #expect(rig.gateway.takeExpiredUpstreams().isEmpty)
        rig.advance(by: 1)
        #expect(rig.gateway.takeExpiredUpstreams() == [id] && rig.gateway.upstreams.openCount == 0)
    }

    @Test func `an upstream connection between two requests, as the service says`() throws {
        let rig = try rig(idle: .seconds(4))
        let id = try rig.exchange(get)
        rig.receive(from: id, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        rig.advance(by: 4 * .second - 1)
        rig.receive(get)
        #expect(rig.actions.last == .attach(id))
        rig.receive(from: id, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        rig.advance(by: 4 * .second)
        rig.receive(get)
        let next = try #require(rig.connecting)
        #expect(rig.actions.suffix(2).first == .closeUpstream(id) && next != id)
        try rig.connect()
        rig.receive(from: next, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        #expect(rig.observer.exchanges.map(\.status) == [200, 200, 200] && rig.gateway.upstreams.openCount == 1)
    }
}
