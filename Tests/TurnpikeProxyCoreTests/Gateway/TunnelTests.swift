// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeMetering
import TurnpikeModel
import TurnpikeSnapshot

@testable import TurnpikeProxyCore

/// What happens to the bytes of a connection that has switched to another protocol, and how it ends.
@Suite struct TunnelTests {
    /// A tunnel that has carried nothing yet.
    private func tunnel(
        _ resources: [CompiledResource] = UpgradeSample.resources(), recorder: RecordedUsage = RecordedUsage()
    ) throws -> (ConnectionRig, UpstreamID) {
        let rig = try ConnectionRig(resources, recorder: recorder)
        let id = try rig.exchange(UpgradeSample.request())
        rig.receive(from: id, UpgradeSample.switching)
        try #require(rig.takeClient().hasPrefix("HTTP/1.1 101 "))
        return (rig, id)
    }

    private func received(_ rig: ConnectionRig, _ id: UpstreamID) -> String {
        rig.sent[id].map { String($0[($0.firstRange(of: "\r\n\r\n")?.upperBound ?? $0.startIndex)...]) } ?? ""
    }

    // MARK: - Bytes

    @Test func `bytes go both ways as they are, also those that came with the 101`() throws {
        let rig = try ConnectionRig(UpgradeSample.resources())
        let id = try rig.exchange(UpgradeSample.request())
        rig.receive(from: id, String(UpgradeSample.switching.prefix(40)))
        rig.receive(from: id, UpgradeSample.switching.dropFirst(40) + "first")
        #expect(rig.client.hasSuffix("\r\n\r\nfirst"))
        rig.receive("GET / HTTP/1.1\r\n\r\n")
        rig.receive(from: id, "HTTP/1.1 500 No\r\n\r\n")
        rig.receive("\u{0}\u{1}")
        #expect(received(rig, id) == "GET / HTTP/1.1\r\n\r\n\u{0}\u{1}")
        #expect(rig.client.hasSuffix("firstHTTP/1.1 500 No\r\n\r\n"))
        #expect(rig.observer.exchanges.isEmpty)
    }

    @Test func `neither side is read faster than the other takes`() throws {
        let (rig, id) = try tunnel()
        rig.does { $0.upstreamWritability(id, false) }
        #expect(!rig.readsClient && rig.readsUpstream)
        rig.does { $0.clientWritability(false) }
        #expect(!rig.readsClient && !rig.readsUpstream)
        rig.does { $0.upstreamWritability(id, true) }
        #expect(rig.readsClient && !rig.readsUpstream)
        rig.does { $0.clientWritability(true) }
        #expect(rig.readsClient && rig.readsUpstream)
    }

    // MARK: - Ends

    @Test func `a client that ends hears the upstream out`() throws {
        let (rig, id) = try tunnel()
        rig.receive("bye")
        rig.does { $0.clientEnded() }
        #expect(rig.actions.last == .shutUpstreamOutput && !rig.readsClient && rig.readsUpstream)
        rig.receive(from: id, "and there was more")
        #expect(rig.client == "and there was more" && !rig.connection.isClosed)
        rig.does { $0.upstreamEnded(id) }
        #expect(rig.actions.suffix(2) == [.endUpstream(id), .closeClient] && rig.connection.isClosed)
        #expect(rig.observer.exchanges.map(\.status) == [101] && rig.observer.exchanges[0].detail == nil)
        #expect(rig.gateway.upstreams.openCount == 0)
    }

    @Test func `an upstream that ends hears the client out`() throws {
        let (rig, id) = try tunnel()
        rig.does { $0.upstreamEnded(id) }
        #expect(rig.actions.last == .shutClientOutput && rig.readsClient && !rig.readsUpstream)
        rig.receive("wait")
        #expect(received(rig, id) == "wait")
        // Room for what is sent to the client is no reason to read a side that has ended.
        rig.does { $0.clientWritability(false) }
        rig.does { $0.clientWritability(true) }
        #expect(!rig.readsUpstream)
        rig.does { $0.clientEnded() }
        #expect(rig.actions.suffix(2) == [.endUpstream(id), .closeClient] && rig.connection.isClosed)
    }

    @Test(arguments: [true, false])
    func `a connection that fails takes the other with it`(ofClient: Bool) throws {
        let (rig, id) = try tunnel()
        if ofClient { rig.does { $0.clientClosed() } } else { rig.does { $0.upstreamClosed(id) } }
        #expect(rig.actions.last == (ofClient ? .closeUpstream(id) : .abortClient))
        #expect(rig.connection.isClosed && rig.gateway.upstreams.openCount == 0)
        #expect(rig.observer.exchanges.map(\.status) == [101] && rig.observer.exchanges[0].detail != nil)
        #expect(rig.recorder.total.requests == 1)
    }

    @Test func `a silent tunnel is cut after its own time, whatever a request may take`() throws {
        let (rig, id) = try tunnel(
            UpgradeSample.resources(
                Upgrades(protocols: ["websocket"], idleTimeout: .seconds(90)), requestTimeout: .seconds(2)))
        for round in 0..<4 {
            rig.advance(by: 89 * UInt64.second)
            rig.does { $0.timerFired() }
            #expect(!rig.connection.isClosed)
            if round % 2 == 0 { rig.receive("ping") } else { rig.receive(from: id, "pong") }
            #expect(rig.connection.deadline == rig.now + 90 * UInt64.second)
        }
        rig.passDeadline()
        #expect(rig.actions.suffix(2) == [.closeUpstream(id), .abortClient] && rig.connection.isClosed)
        #expect(rig.observer.exchanges.first?.duration == 446 * UInt64.second)
    }

    @Test func `what the service says of a request's time holds until the 101`() throws {
        let rig = try ConnectionRig(UpgradeSample.resources(requestTimeout: .seconds(2)))
        _ = try rig.exchange(UpgradeSample.request())
        #expect(rig.connection.deadline == rig.now + 2 * .second)
        rig.passDeadline()
        #expect(rig.status == 504)
    }

    @Test func `draining and another configuration leave a tunnel as it is`() throws {
        let (rig, id) = try tunnel()
        let delta = Sample.whole([Sample.route(), Sample.cluster(endpoints: [("10.0.0.9", 80)])], revision: 2)
        #expect(rig.gateway.apply(try rig.state.apply(delta)).isEmpty)
        rig.gateway.drain()
        rig.does { $0.drain() }
        rig.receive("still")
        rig.receive(from: id, "here")
        #expect(received(rig, id) == "still" && rig.client == "here")
    }

    // MARK: - Counting

    @Test func `bytes are in the usage as soon as they have passed, in their minute, and the request once`() throws {
        let (rig, id) = try tunnel()
        let head = rig.recorder.total
        #expect(head.requests == 1 && head.units == 1)
        #expect(head.bytesIn == Int64(UpgradeSample.request().utf8.count) && head.bytesOut > 100)
        rig.receive("12345")
        rig.receive(from: id, "1234567")
        #expect(rig.recorder.total == head.plus(5, 7))
        rig.advance(by: 60 * .second)
        rig.receive("1")
        #expect(Set(rig.recorder.series.keys.map(\.minute)).count == 2)
        rig.does { $0.clientEnded() }
        rig.does { $0.upstreamEnded(id) }
        #expect(rig.recorder.total == head.plus(6, 7))
        #expect(rig.recorder.series.keys.allSatisfy { $0.statusClass == 1 })
        let exchange = try #require(rig.observer.exchanges.first)
        #expect(exchange.bytesIn == head.bytesIn + 6 && exchange.bytesOut == head.bytesOut + 7)
    }

    @Test func `where there is no room for usage, it is written down later, and at the latest at the end`() throws {
        let recorder = RecordedUsage()
        let (rig, id) = try tunnel(recorder: recorder)
        let head = recorder.total
        recorder.canRecord = false
        rig.receive("12345")
        #expect(recorder.total == head)
        recorder.canRecord = true
        rig.receive(from: id, "1")
        #expect(recorder.total == head.plus(5, 1))
        recorder.canRecord = false
        rig.receive("123")
        rig.does { $0.clientClosed() }
        #expect(recorder.total == head.plus(8, 1))
    }

    @Test func `a tunnel is one of the service's requests in flight until it ends`() throws {
        let (rig, _) = try tunnel()
        let load = try #require(rig.connection.request.service).load
        #expect(load.activeRequests == 1)
        rig.does { $0.clientClosed() }
        #expect(load.activeRequests == 0)
    }
}

extension UsageCounters {
    fileprivate func plus(_ bytesIn: Int64, _ bytesOut: Int64) -> UsageCounters {
        var sum = self
        sum += UsageCounters(requests: 0, bytesIn: bytesIn, bytesOut: bytesOut, units: 0)
        return sum
    }
}
