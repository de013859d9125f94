// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeMetering
import TurnpikeModel
import TurnpikeSnapshot

@testable import TurnpikeProxyCore

/// What serves one client's request serves another's next.
@Suite struct RestingTests {
    private let get = "GET /v1/orders HTTP/1.1\r\nHost: api.acme.test\r\n"
    private let empty = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    private let other = ClientAddress(text: "198.51.100.9", bytes: [198, 51, 100, 9])

    private func rig() throws -> ConnectionRig { try ConnectionRig([Sample.route(), Sample.cluster()]) }

    @Test func `a connection that rested serves another client with nothing of the one before`() throws {
        let rig = try rig()
        let id = try rig.exchange(get + "X-Only: mine\r\nContent-Length: 3\r\n\r\nzzz")
        rig.receive(from: id, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: b\r\n\r\nhello")
        _ = rig.takeClient()
        let sent = rig.sent[id]?.count ?? 0

        let before = rig.connection
        rig.gateway.rest(before)
        rig.connection = rig.gateway.connection(for: other, until: .max)
        #expect(rig.connection === before)
        rig.receive(get + "\r\n")
        let request = String(rig.sent[id]?.dropFirst(sent) ?? "")
        #expect(request.contains("X-Forwarded-For: 198.51.100.9\r\n"))
        #expect(!request.contains("192.0.2.7") && !request.contains("X-Only") && !request.contains("zzz"))
        rig.receive(from: id, empty)
        #expect(rig.takeClient().hasPrefix("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n"))
        #expect(rig.recorder.total.requests == 2)
        #expect(rig.observer.exchanges.last?.bytesIn == Int64((get + "\r\n").utf8.count))
    }

    @Test func `it rests between requests, and at no other time`() throws {
        let rig = try rig()
        #expect(rig.connection.rests)
        rig.receive("GET /v1/or")
        #expect(!rig.connection.rests, "within a head")
        let id = try rig.exchange("ders HTTP/1.1\r\nHost: api.acme.test\r\n\r\n")
        #expect(!rig.connection.rests, "within an exchange")
        rig.receive(from: id, empty)
        #expect(rig.connection.rests)
        rig.does { $0.clientWritability(false) }
        #expect(!rig.connection.rests, "while the client does not take its answer")
        rig.does { $0.clientWritability(true) }
        #expect(rig.connection.rests)
        rig.receive(get + "\r\n" + get)
        rig.receive(from: id, empty)
        #expect(!rig.connection.rests, "with part of the next request")
        rig.does { $0.clientClosed() }
        #expect(!rig.connection.rests, "after the end")
    }

    @Test func `a client's time goes on while its connection serves others`() throws {
        let rig = try rig()
        let deadline = rig.connection.deadline
        rig.gateway.rest(rig.connection)
        let others = rig.gateway.connection(for: other, until: .max)
        rig.advance(by: deadline - rig.now)
        rig.connection = rig.gateway.connection(for: .unknown, until: deadline)
        #expect(rig.connection !== others)
        rig.does { $0.timerFired() }
        #expect(rig.connection.isClosed && rig.actions.last == .closeClient)
    }

    @Test func `what a large request needed is given back`() throws {
        let rig = try rig()
        let head = get + "Content-Length: 50000\r\nX-Long: \(String(repeating: "l", count: 9000))\r\n\r\n"
        rig.receive(head + String(repeating: "c", count: 50_000))
        let id = try rig.connect()
        rig.receive(from: id, "HTTP/1.1 200 OK\r\nX-Long: \(String(repeating: "l", count: 9000))\r\n")
        rig.receive(from: id, "Content-Length: 0\r\n\r\n")
        #expect(rig.connection.rests)
        rig.gateway.rest(rig.connection)
        let held = [rig.connection.backlog, rig.connection.working, rig.connection.responseBacklog].map(\.capacity)
        #expect(held.allSatisfy { $0 <= GatewayLimits.restingBytes }, "\(held)")
        #expect(rig.connection.toClient.capacity <= GatewayLimits.restingBytes)
        #expect(rig.connection.toUpstream.capacity <= GatewayLimits.restingBytes)
    }

    @Test func `no more of them rest than a loop may need at once`() throws {
        let rig = try rig()
        let many = (0..<GatewayLimits.restingConnections + 10).map { _ in
            rig.gateway.connection(for: other, until: .max)
        }
        for connection in many { rig.gateway.rest(connection) }
        #expect(rig.gateway.resting.count == GatewayLimits.restingConnections)
    }
}
