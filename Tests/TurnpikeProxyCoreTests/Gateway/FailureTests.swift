// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeMetering
import TurnpikeModel
import TurnpikeSnapshot

@testable import TurnpikeProxyCore

/// What goes wrong on either side, and what the other side gets to see of it.
@Suite struct FailureTests {
    private let get = "GET /v1/orders HTTP/1.1\r\nHost: api.acme.test\r\n\r\n"
    private let empty = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

    private func rig(
        endpoints: [(String, Int)] = [("10.0.0.1", 80)], pool: PoolLimits = PoolLimits()
    ) throws -> ConnectionRig {
        try ConnectionRig([Sample.route(), Sample.cluster(endpoints: endpoints)], pool: pool)
    }

    /// A rig whose upstream connection has served a request already.
    private func warm(endpoints: [(String, Int)] = [("10.0.0.1", 80)]) throws -> (ConnectionRig, UpstreamID) {
        let rig = try rig(endpoints: endpoints)
        let id = try rig.exchange(get)
        rig.receive(from: id, empty)
        _ = rig.takeClient()
        return (rig, id)
    }

    // MARK: - Connecting

    @Test func `the next endpoint is tried, and the one that failed is left alone for a while`() throws {
        let rig = try rig(endpoints: [("10.0.0.1", 80), ("10.0.0.2", 80)])
        rig.receive(get)
        let first = try #require(rig.connecting)
        rig.does { $0.upstreamFailed(first) }
        let second = try rig.connect()
        #expect(rig.endpoint(of: first)?.host == "10.0.0.1" && rig.endpoint(of: second)?.host == "10.0.0.2")
        rig.receive(from: second, empty)
        #expect(rig.status == 200 && rig.observer.exchanges.last?.attempts == 2)
        #expect(rig.observer.failures == [.connect])
        rig.receive(get)
        #expect(rig.actions.last == .attach(second))
    }

    @Test func `no endpoint that can be reached is a 503 that names none`() throws {
        let rig = try rig(endpoints: [("10.0.0.1", 80), ("10.0.0.2", 80)])
        rig.receive(get)
        for _ in 0..<2 {
            let id = try #require(rig.connecting)
            rig.does { $0.upstreamFailed(id) }
        }
        #expect(rig.status == 503 && rig.client.contains("no-healthy-upstream") && !rig.client.contains("10.0."))
        #expect(rig.connection.isIdle && rig.gateway.upstreams.openCount == 0)
    }

    @Test func `where none could be reached a moment ago, one is asked once more and no other after it`() throws {
        let rig = try rig(endpoints: [("10.0.0.1", 80), ("10.0.0.2", 80)])
        rig.receive(get)
        for _ in 0..<2 { rig.does { $0.upstreamFailed(rig.connecting ?? UpstreamID(slot: 9, serial: 9)) } }
        _ = rig.takeClient()
        for _ in 0..<3 {
            rig.receive(get)
            let id = try #require(rig.connecting)
            rig.does { $0.upstreamFailed(id) }
            #expect(rig.status == 503 && rig.connection.isIdle)
            _ = rig.takeClient()
        }
        rig.receive(get)
        let id = try rig.connect()
        rig.receive(from: id, empty)
        #expect(rig.status == 200)
        // It is back, and the first to be asked.
        let place = rig.endpoint(of: id)
        _ = rig.takeClient()
        rig.receive(get)
        #expect(rig.actions.last == .attach(id) && place != nil)
    }

    @Test func `a connection that takes too long is a 504`() throws {
        let rig = try rig()
        rig.receive(get)
        let id = try #require(rig.connecting)
        #expect(rig.connection.deadline == rig.now + 1_000_000_000)
        rig.passDeadline()
        #expect(rig.status == 504 && rig.actions.contains(.closeUpstream(id)))
        #expect(rig.observer.failures == [.connectTimeout])
    }

    @Test func `an endpoint with all the connections it may have is a 503`() throws {
        let rig = try rig(pool: PoolLimits(connections: 1))
        guard
            case .connect = rig.gateway.upstreams.checkOut(
                rig.gateway.upstreams.endpoint(at: .init(host: "10.0.0.1", port: 80)), idleTime: 60 * .second,
                now: rig.now)
        else {
            Issue.record("there was no room for one")
            return
        }
        rig.receive(get)
        #expect(rig.status == 503 && rig.client.contains("overloaded"))
    }

    // MARK: - Connections gone stale

    @Test func `a request on a connection that was closed meanwhile is sent again on a new one`() throws {
        let (rig, old) = try warm()
        rig.receive(get)
        rig.does { $0.upstreamClosed(old) }
        let new = try rig.connect()
        #expect(rig.sent[new]?.hasPrefix("GET /v1/orders") == true)
        rig.receive(from: new, empty)
        #expect(rig.status == 200 && rig.recorder.total.requests == 2 && rig.recorder.total.units == 2)
    }

    @Test func `a new connection that closes is not tried again`() throws {
        let rig = try rig()
        let id = try rig.exchange(get)
        rig.does { $0.upstreamClosed(id) }
        #expect(rig.status == 502 && rig.connection.isIdle && rig.observer.failures == [.closed])
    }

    @Test func `a method that may not be repeated is not`() throws {
        let (rig, old) = try warm()
        rig.receive("POST /v1/orders HTTP/1.1\r\nHost: api.acme.test\r\nContent-Length: 0\r\n\r\n")
        rig.does { $0.upstreamClosed(old) }
        #expect(rig.status == 502)
    }

    @Test func `content that is held goes with the request once more, and where it is gone nothing does`() throws {
        for (count, isHeld) in [(3, true), (70_000, false)] {
            let (rig, old) = try warm()
            let content = String(repeating: "a", count: count)
            rig.receive(
                "PUT /v1/orders HTTP/1.1\r\nHost: api.acme.test\r\nContent-Length: \(count)\r\n\r\n" + content)
            rig.does { $0.upstreamClosed(old) }
            #expect(rig.status == (isHeld ? nil : 502))
            guard isHeld else { continue }
            let id = try rig.connect()
            #expect(rig.sent[id]?.hasSuffix("\r\n\r\n" + content) == true)
        }
    }

    @Test func `content that came with the head is not lost with a connection found closed`() throws {
        let (rig, old) = try warm()
        rig.receive("POST /v1/orders HTTP/1.1\r\nHost: api.acme.test\r\nContent-Length: 6\r\n\r\nabc")
        rig.does { $0.upstreamUnusable(old) }
        let id = try rig.connect()
        rig.receive("def")
        #expect(rig.sent[id]?.hasSuffix("\r\n\r\nabcdef") == true)
        rig.receive(from: id, empty)
        #expect(rig.status == 200)
    }

    @Test func `a connection found closed before anything was sent is no failure for any method`() throws {
        let (rig, old) = try warm()
        rig.receive("POST /v1/orders HTTP/1.1\r\nHost: api.acme.test\r\nContent-Length: 0\r\n\r\n")
        rig.does { $0.upstreamUnusable(old) }
        rig.receive(from: try rig.connect(), empty)
        #expect(rig.status == 200)
    }

    @Test func `a request that its upstream has not begun with is sent again once, whatever its method`() throws {
        let rig = try ConnectionRig([Sample.route(), Sample.cluster(protocol: .http2)])
        let first = try rig.exchange(
            "POST /v1/orders HTTP/1.1\r\nHost: api.acme.test\r\nContent-Length: 6\r\n\r\nabc")
        rig.receive("de")
        rig.does { $0.upstreamRefused(first) }
        let second = try rig.connect()
        rig.receive("f")
        #expect(rig.sent[second]?.hasSuffix("\r\n\r\nabcdef") == true)
        rig.does { $0.upstreamRefused(second) }
        #expect(rig.status == 502 && rig.connecting == second && rig.recorder.total.units == 1)
    }

    @Test func `an upstream that began to answer is not asked again`() throws {
        let (rig, old) = try warm()
        rig.receive(get)
        rig.receive(from: old, "HTTP/1.1 2")
        rig.does { $0.upstreamClosed(old) }
        #expect(rig.status == 502)
    }

    @Test func `events of a connection long gone change nothing`() throws {
        let (rig, old) = try warm()
        rig.receive(get)
        rig.does { $0.upstreamClosed(old) }
        rig.does { $0.upstreamClosed(old) }
        rig.receive(from: old, empty)
        #expect(rig.client.isEmpty && rig.connecting != nil)
    }

    // MARK: - Answers that fail

    @Test(arguments: [
        "SMTP ready\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\n\r\n", "HTTP/1.1 200 OK\r\nA : b\r\n\r\n",
    ])
    func `an answer that cannot be understood is a 502`(answer: String) throws {
        let rig = try rig()
        let id = try rig.exchange(get)
        rig.receive(from: id, answer)
        #expect(rig.status == 502 && rig.connection.isIdle)
        #expect(rig.actions.last == .closeUpstream(id) && rig.observer.failures == [.malformed])
        #expect(rig.recorder.series.keys.map(\.statusClass) == [5] && rig.recorder.total.units == 1)
    }

    @Test func `interim answers without end are a 502`() throws {
        let rig = try rig()
        let id = try rig.exchange(get)
        for _ in 0..<100 { rig.receive(from: id, "HTTP/1.1 103 Early Hints\r\n\r\n") }
        #expect(rig.client.components(of: "HTTP/1.1 103") == 16 && rig.client.components(of: "HTTP/1.1 502") == 1)
    }

    @Test(arguments: [true, false])
    func `an answer cut short is cut short for the client too`(closes: Bool) throws {
        let rig = try rig()
        let id = try rig.exchange(get)
        rig.receive(from: id, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab")
        if closes { rig.does { $0.upstreamClosed(id) } } else { rig.receive(from: id, "cdeXX") }
        #expect(rig.actions.last == .abortClient)
        #expect(rig.observer.exchanges.map(\.status) == [200] && rig.observer.exchanges[0].detail != nil)
        #expect(rig.gateway.upstreams.openCount == 0)
    }

    @Test func `an answer that ends with its connection is cut short where that did not end in order`() throws {
        let rig = try rig()
        let id = try rig.exchange(get)
        rig.receive(from: id, "HTTP/1.1 200 OK\r\n\r\nabc")
        rig.does { $0.upstreamClosed(id, inOrder: false) }
        #expect(rig.actions.last == .abortClient)
        #expect(rig.observer.exchanges.map(\.status) == [200] && rig.observer.exchanges[0].detail != nil)
    }

    @Test func `an upstream that does not answer is a 504`() throws {
        let rig = try rig()
        let id = try rig.exchange(get)
        #expect(rig.connection.deadline == rig.now + 5_000_000_000)
        rig.passDeadline()
        #expect(rig.status == 504 && rig.actions.last == .closeUpstream(id) && rig.connection.isIdle)
    }

    @Test func `an answer that stops coming is given up`() throws {
        let rig = try rig()
        let id = try rig.exchange(get)
        rig.receive(from: id, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
        rig.advance(by: 4_000_000_000)
        rig.receive(from: id, "d")
        rig.advance(by: 4_000_000_000)
        rig.does { $0.timerFired() }
        #expect(rig.actions.last != .abortClient)
        rig.passDeadline()
        #expect(rig.actions.last == .abortClient)
    }

    // MARK: - Clients that fail

    @Test func `a client that leaves takes its upstream connection with it, and is counted`() throws {
        let rig = try rig()
        let id = try rig.exchange(get)
        rig.does { $0.clientClosed() }
        #expect(rig.actions.last == .closeUpstream(id) && rig.gateway.upstreams.openCount == 0)
        #expect(rig.observer.exchanges.map(\.status) == [499])
        #expect(rig.recorder.total.requests == 1 && rig.recorder.total.units == 1)
        rig.does { $0.clientClosed() }
        #expect(rig.recorder.total.requests == 1)
    }

    @Test func `a head that does not come to an end is a 408`() throws {
        let rig = try rig()
        rig.receive("GET /v1/orders HTTP/1.1\r\n")
        for _ in 0..<9 {
            rig.advance(by: 1_000_000_000)
            rig.receive("X-A: b\r\n")
            rig.does { $0.timerFired() }
        }
        #expect(rig.client.isEmpty)
        rig.advance(by: 1_000_000_000)
        rig.does { $0.timerFired() }
        #expect(rig.status == 408 && rig.actions.last == .shutClientOutput)
        rig.passDeadline()
        #expect(rig.actions.last == .closeClient)
    }

    @Test func `content that stops coming is a 408`() throws {
        let rig = try rig()
        let id = try rig.exchange("POST /v1/orders HTTP/1.1\r\nHost: api.acme.test\r\nContent-Length: 9\r\n\r\nabc")
        #expect(rig.connection.deadline == rig.now + 60_000_000_000)
        rig.passDeadline()
        #expect(rig.status == 408 && rig.actions.contains(.closeUpstream(id)))
    }

    @Test func `a client that takes nothing of its answer is cut off`() throws {
        let rig = try rig()
        let id = try rig.exchange(get)
        rig.receive(from: id, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
        rig.does { $0.clientWritability(false) }
        rig.advance(by: 59_000_000_000)
        rig.does { $0.timerFired() }
        #expect(rig.actions.last != .abortClient)
        rig.advance(by: 1_000_000_000)
        rig.does { $0.timerFired() }
        #expect(rig.actions.last == .abortClient)
    }

    @Test func `a silent connection is closed without a word`() throws {
        let rig = try rig()
        rig.passDeadline()
        #expect(rig.client.isEmpty && rig.actions == [.closeClient])
    }

    @Test(arguments: [
        "GET / HTTP/1.1\nHost: a\n\n", "GET  / HTTP/1.1\r\n", "GET /v1/orders HTTP/1.1\r\n\r\n", "\u{16}\u{3}\u{1}\r\n",
    ])
    func `what is not HTTP is a 400 and the end`(text: String) throws {
        let rig = try rig()
        rig.receive(text)
        #expect(rig.status == 400 && rig.client.contains("application/problem+json"))
        #expect(rig.client.contains("req_") && rig.actions.last == .shutClientOutput)
        rig.receive(get)
        #expect(rig.client.components(of: "HTTP/1.1 4") == 1 && rig.connecting == nil)
    }

    @Test func `a path that climbs above the root is a 400`() throws {
        let rig = try rig()
        rig.receive("GET /v1/../../etc/passwd HTTP/1.1\r\nHost: api.acme.test\r\n\r\n")
        #expect(rig.status == 400 && rig.observer.lines == ["GET /v1/../../etc/passwd"])
    }

    // MARK: - Draining and changes

    @Test func `draining closes what is idle and ends what is not with its answer`() throws {
        let (idle, _) = try warm()
        idle.gateway.drain()
        idle.does { $0.drain() }
        #expect(idle.actions.last == .closeClient)

        let busy = try rig()
        let id = try busy.exchange(get)
        busy.gateway.drain()
        busy.does { $0.drain() }
        busy.receive(from: id, empty)
        #expect(busy.client.contains("Connection: close\r\n") && busy.actions.last == .closeClient)
    }

    @Test func `a request in flight keeps the configuration that it began with`() throws {
        let rig = try rig()
        rig.receive(get)
        let id = try #require(rig.connecting)
        _ = rig.gateway.apply(try rig.state.apply(Sample.whole([], revision: 2)))
        rig.does { $0.upstreamConnected(id) }
        rig.receive(from: id, empty)
        #expect(rig.status == 200)
        // Its endpoint is used no longer.
        #expect(rig.actions.last == .closeUpstream(id))
        _ = rig.takeClient()
        rig.receive(get)
        #expect(rig.status == 404)
    }
}
