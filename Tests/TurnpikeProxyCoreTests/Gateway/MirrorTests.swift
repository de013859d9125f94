// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeMetering
import TurnpikeModel
import TurnpikeSnapshot

@testable import TurnpikeProxyCore

/// Copies of requests: what is in them, when there are none, and that nobody but the service that watches notices.
@Suite struct MirrorTests {
    private let get = "GET /v1/orders?a=b HTTP/1.1\r\nHost: api.acme.test\r\nX-A: 1\r\n\r\n"
    private let ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

    private func rig(
        _ mirrors: [Mirror] = [Mirror(service: "shadow")], limits: GatewayLimits = GatewayLimits(),
        breakers: CircuitBreakers? = nil, upgrades: Upgrades? = nil
    ) throws -> ConnectionRig {
        guard case .route(var route) = Sample.route() else { throw ConnectionRig.Unexpected("no route") }
        route.mirrors = mirrors
        route.upgrades = upgrades
        return try ConnectionRig(
            [
                .route(route), Sample.cluster(),
                Sample.cluster("shadow", endpoints: [("10.0.1.1", 80)], circuitBreakers: breakers),
                Sample.cluster("other", endpoints: [("10.0.2.1", 80)]),
            ], limits: limits)
    }

    /// The copy that is to be sent next, begun.
    private func begin(_ rig: ConnectionRig) throws -> MirrorRig {
        let mirror = MirrorRig(try #require(rig.gateway.takeMirror()))
        mirror.does { $0.start() }
        return mirror
    }

    // MARK: - What is copied

    @Test func `a copy is the request that the upstream gets, and says that it is one`() throws {
        let rig = try rig()
        let id = try rig.exchange("GET /v1/orders?a=b HTTP/1.1\r\nHost: api.acme.test\r\nTurnpike-Mirror: no\r\n\r\n")
        let mirror = try begin(rig)
        try mirror.connect()
        let sent = try #require(rig.sent[id])
        #expect(!sent.lowercased().contains("turnpike-mirror"))
        // A line end is one character.
        #expect(mirror.sent == sent.dropLast() + "Turnpike-Mirror: true\r\n\r\n")
        #expect(rig.gateway.takeMirror() == nil)
    }

    @Test(arguments: [
        ("Content-Length: 6", ["abc", "def"]), ("Transfer-Encoding: chunked", ["3\r\nabc\r\n", "0\r\n\r\n"]),
    ])
    func `content is in it, once all of it is there`(framing: String, pieces: [String]) throws {
        let rig = try rig()
        let id = try rig.exchange("POST /v1/orders HTTP/1.1\r\nHost: api.acme.test\r\n\(framing)\r\n\r\n\(pieces[0])")
        #expect(rig.gateway.takeMirror() == nil)
        // The upstream may answer before.
        rig.receive(pieces[1])
        rig.receive(from: id, ok)
        let mirror = try begin(rig)
        try mirror.connect()
        #expect(mirror.sent.hasSuffix("Turnpike-Mirror: true\r\n\r\n" + pieces.joined()))
    }

    @Test(arguments: [true, false])
    func `a request with more content than is held is not copied`(chunked: Bool) throws {
        let rig = try rig()
        let size = GatewayLimits.heldContentBytes + 1
        let content = String(repeating: "x", count: size)
        let framing =
            chunked
            ? "Transfer-Encoding: chunked\r\n\r\n\(String(size, radix: 16))\r\n\(content)\r\n0\r\n\r\n"
            : "Content-Length: \(size)\r\n\r\n\(content)"
        let id = try rig.exchange("POST /v1/orders HTTP/1.1\r\nHost: api.acme.test\r\n" + framing)
        #expect(rig.gateway.takeMirror() == nil && rig.observer.mirrored == [.tooLarge])
        rig.receive(from: id, ok)
        #expect(rig.status == 200 && rig.gateway.mirrorsUnderWay == 0)
    }

    @Test func `a request that is never whole is not copied`() throws {
        let rig = try rig()
        _ = try rig.exchange("POST /v1/orders HTTP/1.1\r\nHost: api.acme.test\r\nContent-Length: 9\r\n\r\nabc")
        rig.does { $0.clientClosed() }
        #expect(rig.gateway.takeMirror() == nil && rig.observer.mirrored == [.incomplete])
        #expect(rig.gateway.mirrorsUnderWay == 0)
    }

    @Test func `so many are copied as the route says, by lot, for each service`() throws {
        let rig = try rig([Mirror(service: "shadow", percent: 10), Mirror(service: "other", percent: 60)])
        rig.receive(get)
        let route = try #require(rig.connection.request.route)
        var counts: [String: Int] = [:]
        for _ in 0..<10_000 {
            for service in rig.gateway.drawMirrors(of: route) { counts[service.cluster.name, default: 0] += 1 }
        }
        #expect(900...1100 ~= counts["shadow"] ?? 0 && 5800...6200 ~= counts["other"] ?? 0, "\(counts)")
    }

    @Test func `what switches protocols is not copied`() throws {
        let rig = try rig(upgrades: Upgrades(protocols: ["websocket"]))
        _ = try rig.exchange(UpgradeSample.request())
        #expect(rig.gateway.takeMirror() == nil && rig.observer.mirrored.isEmpty)
    }

    @Test func `a service that is not there is a reason to refuse the configuration`() throws {
        do throws(GatewayConfiguration.Rejection) {
            guard case .route(var route) = Sample.route() else { return }
            route.mirrors = [Mirror(service: "nowhere")]
            _ = try GatewayConfiguration(Sample.snapshot([.route(route), Sample.cluster()]))
            Issue.record("The configuration was taken.")
        } catch {
            #expect(error.reasons.map(\.detail) == ["There is no cluster/acme/nowhere."])
        }
    }

    // MARK: - What comes of it

    @Test(arguments: ["HTTP/1.1 200 OK", "HTTP/1.1 500 No", "HTTP/1.1 103 Early\r\n\r\nHTTP/1.1 404 No"])
    func `whatever it answers is thrown away, and its connection serves again`(answer: String) throws {
        let rig = try rig()
        let id = try rig.exchange(get)
        let mirror = try begin(rig)
        let connection = try mirror.connect()
        rig.receive(from: id, ok)
        let (client, usage) = (rig.client, rig.recorder.total)
        mirror.receive(answer + "\r\nContent-Length: 2\r\n\r\nn")
        #expect(!mirror.exchange.isOver)
        mirror.receive("o")
        #expect(mirror.actions.last == .detach(connection) && mirror.exchange.isOver)
        #expect(rig.client == client && rig.recorder.total == usage && usage.requests == 1)
        #expect(rig.observer.mirrored == [.answered] && rig.observer.exchanges.count == 1)
        // The next copy takes the connection.
        rig.receive(get)
        #expect(try begin(rig).actions.first == .attach(connection))
    }

    @Test(arguments: [
        "SMTP ready\r\n\r\n", "HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ])
    func `an answer that cannot be understood fails the copy alone`(answer: String) throws {
        let rig = try rig()
        let id = try rig.exchange(get)
        let mirror = try begin(rig)
        let connection = try mirror.connect()
        mirror.receive(answer)
        #expect(mirror.actions.last == .closeUpstream(connection) && rig.observer.mirrored == [.failed])
        #expect(rig.observer.failures.isEmpty)
        rig.receive(from: id, ok)
        #expect(rig.status == 200)
    }

    @Test func `an answer without end is not read for ever`() throws {
        let rig = try rig()
        _ = try rig.exchange(get)
        let mirror = try begin(rig)
        let connection = try mirror.connect()
        mirror.receive("HTTP/1.1 200 OK\r\n\r\n")
        for _ in 0..<32 where !mirror.exchange.isOver { mirror.receive(String(repeating: "x", count: 64 << 10)) }
        #expect(mirror.actions.last == .closeUpstream(connection) && rig.observer.mirrored == [.answered])
    }

    @Test(arguments: [false, true])
    func `each wait is bounded`(connected: Bool) throws {
        let rig = try rig()
        _ = try rig.exchange(get)
        let mirror = try begin(rig)
        if connected { try mirror.connect() }
        #expect(mirror.exchange.deadline == rig.now + (connected ? 5 : 1) * UInt64.second)
        rig.advance(by: (connected ? 5 : 1) * UInt64.second)
        mirror.does { $0.timerFired() }
        #expect(mirror.exchange.isOver && rig.observer.mirrored == [.failed])
        #expect(rig.gateway.upstreams.openCount == 1 && rig.gateway.mirrorsUnderWay == 0)
    }

    @Test(arguments: [(true, MirrorOutcome.answered), (false, .failed)])
    func `a copy whose answer ends with its connection is answered where that ended in order`(
        inOrder: Bool, outcome: MirrorOutcome
    ) throws {
        let rig = try rig()
        _ = try rig.exchange(get)
        let mirror = try begin(rig)
        let connection = try mirror.connect()
        mirror.receive("HTTP/1.1 200 OK\r\n\r\nabc")
        mirror.does { $0.upstreamClosed(connection, inOrder: inOrder) }
        #expect(mirror.exchange.isOver && rig.observer.mirrored == [outcome])
    }

    @Test func `a connection that was closed while it waited is replaced, once`() throws {
        let rig = try rig()
        let id = try rig.exchange(get)
        let first = try begin(rig)
        let connection = try first.connect()
        first.receive(ok)
        rig.receive(from: id, ok)
        rig.receive(get)
        let second = try begin(rig)
        #expect(second.actions.first == .attach(connection))
        second.does { $0.upstreamClosed(connection) }
        let new = try second.connect()
        #expect(new != connection && second.sent.hasSuffix("Turnpike-Mirror: true\r\n\r\n"))
        second.does { $0.upstreamClosed(new) }
        #expect(second.exchange.isOver && rig.observer.mirrored == [.answered, .failed])
    }

    // MARK: - How many

    @Test func `there are so many at once, and those beyond are told of`() throws {
        let rig = try rig(limits: GatewayLimits(mirrors: 1))
        let id = try rig.exchange(get)
        rig.receive(from: id, ok)
        rig.receive(get)
        #expect(rig.observer.mirrored == [.overloaded])
        let mirror = try begin(rig)
        try mirror.connect()
        mirror.receive(ok)
        rig.receive(from: id, ok)
        rig.receive(get)
        #expect(rig.gateway.takeMirror() != nil && rig.observer.mirrored == [.overloaded, .answered])
    }

    @Test func `the circuit breakers of the service that watches hold for copies`() throws {
        let rig = try rig(breakers: CircuitBreakers(maxRequests: 1))
        let id = try rig.exchange(get)
        rig.receive(from: id, ok)
        rig.receive(get)
        let first = try begin(rig)
        let second = try begin(rig)
        #expect(second.exchange.isOver && rig.observer.mirrored == [.overloaded])
        try first.connect()
        first.receive(ok)
        rig.receive(from: id, ok)
        rig.receive(get)
        #expect(try !begin(rig).exchange.isOver)
    }
}

/// One copy without sockets.
final class MirrorRig {
    let exchange: MirrorExchange
    private(set) var actions: [ExchangeAction] = []
    private(set) var sent = ""

    init(_ exchange: MirrorExchange) { self.exchange = exchange }

    func does(_ body: (MirrorExchange) -> Void) {
        body(exchange)
        exchange.takeActions { action in
            if case .sendToUpstream(.staged(let range)) = action {
                sent = String(decoding: exchange.upstreamStage[range], as: UTF8.self)
            } else {
                actions.append(action)
            }
        }
    }

    /// Makes the connection that was asked for last.
    @discardableResult
    func connect() throws -> UpstreamID {
        guard case .connect(let id, _)? = actions.last else {
            throw ConnectionRig.Unexpected("no connection was asked for: \(actions)")
        }
        does { $0.upstreamConnected(id) }
        return id
    }

    /// On the connection that is in use.
    func receive(_ text: String) {
        var id: UpstreamID?
        for action in actions {
            switch action {
            case .connect(let used, _), .attach(let used): id = used
            default: break
            }
        }
        guard let id else { return }
        Array(text.utf8).withUnsafeBytes { bytes in does { $0.receivedFromUpstream(id, bytes) } }
    }
}
