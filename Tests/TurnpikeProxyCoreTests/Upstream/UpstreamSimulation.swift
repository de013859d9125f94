// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel
import TurnpikeSnapshot
import TurnpikeTestSupport

@testable import TurnpikeProxyCore

/// A gateway among many clients and scripted upstreams, in simulated time: what endpoints do is decided by a script, and what
/// they saw is written down.
final class UpstreamSimulation {
    /// What an endpoint does with a connection that is asked for.
    enum Reception { case accepts, refuses, ignores }

    /// What an endpoint does with a request.
    enum Reply {
        case answers(Int, after: UInt64)
        /// Closes the connection.
        case resets(after: UInt64)
        case says(String, after: UInt64)
        case hangs
    }

    /// A request that reached an endpoint.
    struct Arrival {
        var request: String
        var host: String
        var time: UInt64
    }

    private struct Event {
        var time: UInt64
        var run: () -> Void
    }

    private final class Client {
        let connection: ServerConnection
        var received = ""
        var upstream: UpstreamID?

        init(_ connection: ServerConnection) { self.connection = connection }
    }

    private struct Link {
        var host: String
        var owner: ObjectIdentifier?
        var received = ""
    }

    let gateway: Gateway
    let observer = RecordedExchanges()
    let recorder = RecordedUsage()
    var state = GatewayState(hashSeed: 7)
    private(set) var now: UInt64 = 1_000_000_000
    private var revision: Revision = 1
    var random: SeededGenerator

    /// By the endpoint's host. Default: every connection is accepted, every request answered with 200 after a millisecond.
    var receives: (_ host: String, _ now: UInt64) -> Reception = { _, _ in .accepts }
    var replies: (_ host: String, _ request: String, _ now: UInt64) -> Reply = { _, _, _ in
        .answers(200, after: 1_000_000)
    }

    /// What an endpoint answers when it is asked how it is, by the endpoint's host. Nil: no connection. 0: silence. Default: 200.
    var probeReplies: (_ host: String, _ now: UInt64) -> Int? = { _, _ in 200 }
    /// Where names lead. Answered after a millisecond.
    var lookups: (_ host: String, _ now: UInt64) -> [String] = { _, _ in [] }
    private(set) var lookedUp: [(host: String, time: UInt64)] = []
    /// Questions that reached an endpoint.
    private(set) var probed: [Arrival] = []
    /// Idle connections that were closed, by host.
    private(set) var closed: [String] = []

    private(set) var arrivals: [Arrival] = []
    /// Connections asked for, by host.
    private(set) var connects: [String: Int] = [:]
    /// Statuses that clients got, in order of time.
    private(set) var statuses: [Int] = []
    private var events: [Event] = []
    private var clients: [ObjectIdentifier: Client] = [:]
    private var links: [UpstreamID: Link] = [:]

    init(
        _ resources: [CompiledResource], seed: UInt64, limits: GatewayLimits = GatewayLimits(), zone: String? = nil
    )
        throws
    {
        random = SeededGenerator(seed: seed)
        gateway = Gateway(
            limits: limits, recorder: recorder, observer: observer, seed: seed, digest: { Sample.digest($0) },
            zone: zone)
        tick()
        _ = gateway.apply(try state.apply(Sample.whole(resources)))
    }

    func apply(_ resources: [CompiledResource]) throws {
        close(gateway.apply(try state.apply(Sample.whole(resources))))
        watch()
    }

    /// Takes a change over, as a stream brings it.
    func change(set: [CompiledResource] = [], removed: [CompiledName] = []) throws {
        revision += 1
        let delta = Delta(revision: revision, isSnapshot: false, set: set, removed: removed)
        close(gateway.apply(try state.apply(delta)))
        watch()
    }

    private func close(_ ids: [UpstreamID]) {
        for id in ids {
            if let host = links[id]?.host { closed.append(host) }
            links[id] = nil
        }
    }

    func arrivals(at host: String) -> Int { arrivals.count { $0.host == host } }

    // MARK: - Time

    func after(_ delay: UInt64, _ run: @escaping () -> Void) {
        let time = now + delay
        let position = events.lastIndex { $0.time <= time }.map { $0 + 1 } ?? 0
        events.insert(Event(time: time, run: run), at: position)
    }

    /// Lets everything happen that is to happen until then.
    func run(for duration: UInt64) {
        let end = now + duration
        while true {
            let due = clients.values.filter { !$0.connection.isClosed && $0.connection.deadline <= end }
                .min { $0.connection.deadline < $1.connection.deadline }
            let event = events.first.flatMap { $0.time <= end ? $0 : nil }
            if let next = gateway.nextWatch, next <= end,
                next < min(event?.time ?? .max, due?.connection.deadline ?? .max)
            {
                now = max(now, next)
                tick()
                watch()
            } else if let event, event.time <= due?.connection.deadline ?? .max {
                events.removeFirst()
                now = max(now, event.time)
                tick()
                event.run()
            } else if let due {
                now = max(now, due.connection.deadline)
                tick()
                handle(due) { $0.timerFired() }
            } else {
                break
            }
        }
        now = end
        tick()
    }

    private func tick() {
        gateway.advance(now: now, wall: Timestamp(milliseconds: 1_800_000_000_000 + Int64(now / 1_000_000)))
    }

    // MARK: - Clients

    /// A client connects, sends this, and closes once it has an answer.
    func send(_ request: String, address: UInt32 = 0xC000_0207) {
        let bytes = withUnsafeBytes(of: address.bigEndian, Array.init)
        let text = bytes.map { "\($0)" }.joined(separator: ".")
        let client = Client(
            ServerConnection(gateway: gateway, client: ClientAddress(text: text, bytes: bytes)))
        clients[ObjectIdentifier(client)] = client
        handle(client, Array(request.utf8)) { $0.receivedFromClient($1) }
    }

    func get(_ path: String = "/v1/orders", fields: String = "", address: UInt32 = 0xC000_0207) {
        send("GET \(path) HTTP/1.1\r\nHost: api.acme.test\r\n\(fields)\r\n", address: address)
    }

    /// A client leaves in the middle.
    func abandonAll() {
        for client in Array(clients.values) {
            handle(client) { $0.clientClosed() }
            clients[ObjectIdentifier(client)] = nil
        }
    }

    private func handle(_ client: Client, _ body: (ServerConnection) -> Void) {
        handle(client, []) { connection, _ in body(connection) }
    }

    private func handle(
        _ client: Client, _ bytes: [UInt8], _ body: (ServerConnection, UnsafeRawBufferPointer) -> Void
    ) {
        bytes.withUnsafeBytes { received in
            body(client.connection, received)
            client.connection.takeActions { perform($0, for: client, received) }
        }
        guard client.connection.isIdle || client.connection.isClosed, !client.received.isEmpty else { return }
        statuses.append(client.received.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0)
        client.received = ""
        clients[ObjectIdentifier(client)] = nil
        client.connection.clientClosed()
    }

    private func perform(_ action: ExchangeAction, for client: Client, _ received: UnsafeRawBufferPointer) {
        func text(_ source: ExchangeAction.Source, _ stage: UnsafeRawBufferPointer) -> String {
            switch source {
            case .staged(let range): String(decoding: stage[range], as: UTF8.self)
            case .received(let range): String(decoding: received[range], as: UTF8.self)
            }
        }
        switch action {
        case .sendToClient(let source): client.received += text(source, client.connection.clientStage)
        case .sendToUpstream(let source):
            if let id = client.upstream { take(text(source, client.connection.upstreamStage), on: id) }
        case .connect(let id, let endpoint):
            client.upstream = id
            let address = gateway.upstreams.address(of: endpoint)
            connect(id, to: address.ip ?? address.host, for: client)
        case .attach(let id):
            client.upstream = id
            links[id]?.owner = ObjectIdentifier(client)
        case .detach(let id):
            client.upstream = nil
            links[id]?.owner = nil
        case .closeUpstream(let id), .endUpstream(let id):
            client.upstream = nil
            links[id] = nil
        case .beginTunnel, .shutUpstreamOutput: break
        case .readFromClient, .readFromUpstream, .shutClientOutput, .closeClient, .abortClient: break
        }
    }

    // MARK: - Watching

    private func watch() {
        for host in gateway.takeLookups() {
            lookedUp.append((host, now))
            after(.millisecond) {
                self.close(self.gateway.lookedUp(host, self.lookups(host, self.now)))
                self.watch()
            }
        }
        for probe in gateway.takeProbes() { answer(probe) }
    }

    private func answer(_ probe: HealthProbe) {
        let host = probe.address.ip ?? probe.address.host
        func end(after delay: UInt64, _ event: @escaping () -> Void) {
            after(delay) {
                event()
                self.gateway.probeEnded(probe)
                self.watch()
            }
        }
        guard let status = probeReplies(host, now) else { return end(after: .millisecond) { probe.connectFailed() } }
        let request = probe.connected()
        probed.append(Arrival(request: String(decoding: request, as: UTF8.self), host: host, time: now))
        guard status > 0 else { return end(after: probe.deadline - now) { probe.timedOut() } }
        end(after: .millisecond) {
            let answer = Array("HTTP/1.1 \(status) X\r\nContent-Length: 0\r\n\r\n".utf8)
            answer.withUnsafeBytes { probe.received($0) }
        }
    }

    // MARK: - Upstreams

    private func connect(_ id: UpstreamID, to host: String, for client: Client) {
        connects[host, default: 0] += 1
        links[id] = Link(host: host, owner: ObjectIdentifier(client))
        switch receives(host, now) {
        case .accepts: after(100_000) { self.tell(id) { $0.upstreamConnected(id) } }
        case .refuses:
            after(100_000) {
                self.tell(id) {
                    self.links[id] = nil
                    $0.upstreamFailed(id)
                }
            }
        case .ignores: break
        }
    }

    private func take(_ text: String, on id: UpstreamID) {
        links[id]?.received += text
        guard let link = links[id], let end = link.received.firstRange(of: "\r\n\r\n") else { return }
        let head = link.received[..<end.lowerBound]
        let length =
            head.split(separator: "\r\n").first { $0.hasPrefix("Content-Length: ") }
            .flatMap { Int($0.dropFirst(16)) } ?? 0
        guard link.received[end.upperBound...].utf8.count >= length else { return }
        links[id]?.received = ""
        arrivals.append(Arrival(request: String(link.received), host: link.host, time: now))
        switch replies(link.host, String(link.received), now) {
        case .answers(let status, let delay): say("HTTP/1.1 \(status) X\r\nContent-Length: 0\r\n\r\n", on: id, delay)
        case .says(let text, let delay): say(text, on: id, delay)
        case .resets(let delay):
            after(delay) {
                self.tell(id) {
                    self.links[id] = nil
                    $0.upstreamClosed(id)
                }
            }
        case .hangs: break
        }
    }

    private func say(_ text: String, on id: UpstreamID, _ delay: UInt64) {
        after(delay) {
            guard let owner = self.links[id]?.owner, let client = self.clients[owner] else { return }
            self.handle(client, Array(text.utf8)) { $0.receivedFromUpstream(id, $1) }
        }
    }

    private func tell(_ id: UpstreamID, _ body: (ServerConnection) -> Void) {
        guard let owner = links[id]?.owner, let client = clients[owner] else { return }
        handle(client, body)
    }
}

extension UInt64 {
    static let millisecond: UInt64 = 1_000_000
    static let second: UInt64 = 1_000_000_000
}
