// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel
import TurnpikeSnapshot

@testable import TurnpikeProxyCore

/// A connection of a gateway without sockets, to whose transport anything can happen that can happen to a real one. What it
/// has sent is held against what HTTP allows.
final class FuzzedConnection {
    private struct Upstream {
        var sent: [UInt8] = []
        /// Of the answer to the present try, what has not come yet.
        var answer: [[UInt8]] = []
        /// After a 101 the bytes are no messages.
        var isTunnel = false
    }

    private let gateway: Gateway
    private let connection: ServerConnection
    private var chance: RandomSource
    private var answers: [[UInt8]]
    private var cutsAnswers = true
    private var now: UInt64 = 1_000_000_000

    /// What the client has sent while it was listened to.
    private var received: [UInt8] = []
    private(set) var toClient: [UInt8] = []
    private var upstreams: [(id: UpstreamID, state: Upstream)] = []
    private var attached: UpstreamID?
    private var connecting: UpstreamID?
    /// Given by `.attach`, and as yet nothing was heard of it.
    private var isFresh = false
    private var readsClient = true
    private var readsUpstream = true
    private(set) var isTunnel = false
    private var ending: ExchangeAction?
    private var fault: String?

    init(_ answers: [[UInt8]], chance: RandomSource) {
        self.answers = answers
        self.chance = chance
        gateway = Gateway(
            limits: GatewayLimits(
                head: HeadLimits(startLineBytes: 512, fieldCount: 24, headBytes: 2048), bodyBytes: 10_000),
            recorder: RecordedUsage(), observer: nil, seed: 7, digest: { $0.count >= 3 ? Sample.digest($0) : nil })
        gateway.advance(now: now, wall: Timestamp(seconds: 1_800_000_000))
        if let configuration = Self.configuration { _ = gateway.apply(configuration) }
        connection = ServerConnection(
            gateway: gateway, client: ClientAddress(text: "192.0.2.7", bytes: [192, 0, 2, 7]))
    }

    /// Read only; nothing in it refers to a gateway.
    private static let configuration: GatewayConfiguration? = {
        var state = GatewayState(hashSeed: 7)
        return try? state.apply(
            Sample.whole([
                Sample.route(paths: [.prefix("/")]),
                Sample.route("keys", id: 2, paths: [.prefix("/keys")], requiresKey: true),
                tunnelRoute, boundedRoute,
                Sample.route("retried", id: 4, paths: [.prefix("/retried")], backends: [("retried", 1)]),
                Sample.key("abc"), Sample.rateLimit(per: .key, limit: 3, selector: RouteSelector(routes: ["keys"])),
                Sample.cluster(),
                Sample.cluster(
                    "retried", endpoints: [("10.0.0.1", 80), ("10.0.0.2", 80)],
                    retries: Retries(attempts: 2, on: [.connectFailure, .reset, .serverErrors])),
            ]))
    }()

    private static var tunnelRoute: CompiledResource {
        let resource = Sample.route("tunnel", id: 3, paths: [.prefix("/tunnel")])
        guard case .route(var route) = resource else { return resource }
        route.upgrades = Upgrades(protocols: ["websocket"])
        return .route(route)
    }

    /// Bytes of content that requests below `/bounded` may have.
    static let bound = 20

    private static var boundedRoute: CompiledResource {
        let resource = Sample.route("bounded", id: 5, paths: [.prefix("/bounded")], backends: [("retried", 1)])
        guard case .route(var route) = resource else { return resource }
        route.maxContentBytes = Int64(bound)
        return .route(route)
    }

    /// Whether a request has more content than its route takes.
    static func exceedsBound(_ requests: MessageSequence) -> Bool {
        let path = Array("/bounded".utf8)
        return requests.contents.contains {
            $0.bytes > bound && ($0.path == path || $0.path.starts(with: path + [ASCII.slash]))
        }
    }

    /// An answer was cut short.
    var wasAborted: Bool { ending == .abortClient }

    /// All that went to upstreams, in the order of the connections.
    var allSent: [UInt8] { upstreams.flatMap(\.state.sent) }

    // MARK: - Runs

    /// Nothing goes amiss, and every answer comes as soon as the client's pieces are used up.
    func run(_ pieces: [[UInt8]], answersInPieces: Bool) throws {
        cutsAnswers = answersInPieces
        for piece in pieces where ending == nil {
            try receive(piece)
            try settle()
        }
        try settle()
        try check()
    }

    /// Goes on until nothing more comes of it.
    private func settle() throws {
        while ending == nil {
            if let id = connecting {
                connecting = nil
                try event { connection, _ in connection.upstreamConnected(id) }
            } else if let id = attached, readsUpstream, hasWholeRequest {
                try hear(from: id)
            } else if connection.deadline <= now {
                try event { connection, _ in connection.timerFired() }
            } else {
                return
            }
        }
    }

    /// Of the present try. Until then an answer would come at one moment or another by how the request was cut.
    private var hasWholeRequest: Bool {
        switch connection.upstream {
        case .awaitingHead, .responding: connection.requestBody.isComplete
        case .tunnelling: true
        case .none, .pausing, .connecting: false
        }
    }

    func runDisturbed(_ client: [UInt8]) throws {
        var pieces = client.pieces(&chance)[...]
        for _ in 0..<(200 + 2 * pieces.count) where ending == nil {
            switch Int.random(in: 0..<24, using: &chance) {
            case 0..<10: if readsClient, let piece = pieces.popFirst() { try receive(piece) }
            case 10..<16: try moveUpstream()
            case 16: try event { connection, _ in connection.clientWritability(false) }
            case 17: try event { connection, _ in connection.clientWritability(true) }
            case 18, 19:
                guard let attached else { break }
                let isWritable = Bool.random(using: &chance)
                try event { connection, _ in connection.upstreamWritability(attached, isWritable) }
            case 20: try loseUpstream()
            case 21: try pass(Int.random(in: 0..<8, using: &chance) == 0 ? nil : 1_000_000)
            case 22: if Int.random(in: 0..<8, using: &chance) == 0 { try drain() }
            default: if pieces.isEmpty { try leave() }
            }
        }
        if ending == nil { try event { connection, _ in connection.clientClosed() } }
        try check()
    }

    private func moveUpstream() throws {
        if let id = connecting {
            connecting = nil
            if Int.random(in: 0..<6, using: &chance) == 0 {
                attached = nil
                try event { connection, _ in connection.upstreamFailed(id) }
            } else {
                try event { connection, _ in connection.upstreamConnected(id) }
            }
        } else if let id = attached, isFresh, Int.random(in: 0..<6, using: &chance) == 0 {
            attached = nil
            try event { connection, _ in connection.upstreamUnusable(id) }
        } else if let id = attached, readsUpstream {
            try hear(from: id)
        }
    }

    private func loseUpstream() throws {
        guard let id = attached, connecting == nil else { return }
        attached = nil
        try event { connection, _ in connection.upstreamClosed(id) }
    }

    /// To the connection's deadline, where no time is given.
    private func pass(_ nanoseconds: UInt64?) throws {
        now = max(now, nanoseconds.map { now + $0 } ?? min(connection.deadline, now + 100_000_000_000))
        gateway.advance(now: now, wall: Timestamp(milliseconds: 1_800_000_000_000 + Int64(now / 1_000_000)))
        if connecting != nil, now >= connection.deadline { connecting = nil }
        try event { connection, _ in connection.timerFired() }
    }

    private func drain() throws {
        gateway.drain()
        try event { connection, _ in connection.drain() }
    }

    private func leave() throws {
        if isTunnel {
            try event { connection, _ in connection.clientEnded() }
        } else if Int.random(in: 0..<4, using: &chance) == 0 {
            try event { connection, _ in connection.clientClosed() }
        }
    }

    // MARK: - Events

    private func receive(_ piece: [UInt8]) throws {
        // After its last answer a connection throws away what still comes.
        if case .lingering = connection.state {} else { received += piece }
        try piece.withUnsafeBytes { bytes in try event(bytes) { $0.receivedFromClient($1) } }
    }

    /// The next piece of the answer, or the end of the connection where there is none.
    private func hear(from id: UpstreamID) throws {
        isFresh = false
        guard let place = upstreams.firstIndex(where: { $0.id == id }) else { return }
        guard !upstreams[place].state.answer.isEmpty else {
            attached = nil
            return try event { connection, _ in connection.upstreamClosed(id) }
        }
        let piece = upstreams[place].state.answer.removeFirst()
        try piece.withUnsafeBytes { bytes in try event(bytes) { $0.receivedFromUpstream(id, $1) } }
    }

    private func event(
        _ bytes: UnsafeRawBufferPointer = UnsafeRawBufferPointer(start: nil, count: 0),
        _ body: (ServerConnection, UnsafeRawBufferPointer) -> Void
    ) throws {
        body(connection, bytes)
        connection.takeActions { carryOut($0, bytes) }
        if let fault { throw Broken(fault) }
    }

    private func carryOut(_ action: ExchangeAction, _ received: UnsafeRawBufferPointer) {
        switch action {
        // What a transport does with a client that is gone is nothing.
        case .readFromClient, .readFromUpstream: break
        default: if let ending { fault = fault ?? "\(action) after \(ending)" }
        }
        switch action {
        case .sendToClient(let source): toClient += bytes(source, connection.clientStage, received)
        case .sendToUpstream(let source):
            guard let attached, connecting == nil, let place = upstreams.firstIndex(where: { $0.id == attached }) else {
                fault = "sent to no upstream"
                return
            }
            upstreams[place].state.sent += bytes(source, connection.upstreamStage, received)
        case .connect(let id, _):
            expectNone(action)
            (attached, connecting, isFresh) = (id, id, false)
            upstreams.append((id, Upstream(answer: nextAnswer())))
        case .attach(let id):
            expectNone(action)
            (attached, connecting, isFresh) = (id, nil, true)
            if let place = upstreams.firstIndex(where: { $0.id == id }) {
                upstreams[place].state.answer = nextAnswer()
            } else {
                fault = "an unknown connection is used again"
            }
        case .detach(let id), .closeUpstream(let id), .endUpstream(let id):
            if attached != id { fault = "\(action), but \(String(describing: attached)) is attached" }
            (attached, connecting) = (nil, nil)
            readsUpstream = true
            if case .detach = action { dropIfNoisy(id) }
        case .readFromClient(let reads): readsClient = reads
        case .readFromUpstream(let reads): readsUpstream = reads
        case .beginTunnel:
            isTunnel = true
            if let place = upstreams.firstIndex(where: { $0.id == attached }) { upstreams[place].state.isTunnel = true }
        case .shutUpstreamOutput, .shutClientOutput: break
        case .closeClient, .abortClient: ending = action
        }
    }

    private func expectNone(_ action: ExchangeAction) {
        if let attached { fault = "\(action) while \(attached) is attached" }
    }

    /// What is said unasked ends an idle connection, as transports see to.
    private func dropIfNoisy(_ id: UpstreamID) {
        guard let place = upstreams.firstIndex(where: { $0.id == id }), !upstreams[place].state.answer.isEmpty else {
            return
        }
        gateway.idleUpstreamLost(id)
    }

    private func nextAnswer() -> [[UInt8]] {
        guard !answers.isEmpty else { return [] }
        let answer = answers.removeFirst()
        return cutsAnswers ? answer.pieces(&chance) : answer.isEmpty ? [] : [answer]
    }

    private func bytes(
        _ source: ExchangeAction.Source, _ stage: UnsafeRawBufferPointer, _ received: UnsafeRawBufferPointer
    ) -> [UInt8] {
        let (range, memory) =
            switch source {
            case .staged(let range): (range, stage)
            case .received(let range): (range, received)
            }
        guard range.lowerBound >= 0, range.upperBound <= memory.count else {
            fault = "\(source) of \(memory.count) bytes"
            return []
        }
        return Array(memory[range])
    }

    // MARK: - What came of it

    private func check() throws {
        let asked = MessageSequence.requests(in: received)
        var ids: Set<[UInt8]> = []
        for (_, upstream) in upstreams {
            let sent = MessageSequence.requests(in: upstream.sent)
            if let fault = sent.fault, !upstream.isTunnel {
                throw Broken(
                    "an upstream was sent what is no request: \(fault), \(upstream.sent.text.debugDescription)")
            }
            if !upstream.isTunnel { ids.formUnion(sent.ids) }
            try require(!Self.exceedsBound(sent), "an upstream was sent more content than the route takes")
        }
        try require(
            ids.count <= asked.methods.count, "\(ids.count) requests arrive where \(asked.methods.count) were sent")
        guard !isTunnel else { return }
        let answers = MessageSequence.responses(in: toClient, to: asked.methods)
        if let fault = answers.fault, ending != .abortClient {
            throw Broken("the client was sent what is no answer: \(fault), \(toClient.text.debugDescription)")
        }
        // One more where what follows the last request is none.
        try require(
            answers.count <= asked.methods.count + 1, "\(answers.count) answers to \(asked.methods.count) requests")
    }
}
