// SPDX-License-Identifier: Apache-2.0

import NIOCore
import TurnpikeProxyCore

/// Moves the bytes and events of one upstream connection for the ``MirrorExchange`` that decides. Nobody holds it but the
/// connection and the timer. Confined to its loop.
final class NIOMirror: UpstreamUser, NIOScheduledCallbackHandler {
    private let exchange: MirrorExchange
    private let engine: NIOEngine
    private let connector: UpstreamConnector
    private var upstream: UpstreamHandler?
    private var isHandling = false
    private var waitingEvents: CircularBuffer<UpstreamEvent> = []
    private var timer: NIOScheduledCallback?
    private var timerDue = UInt64.max

    init(_ exchange: MirrorExchange, engine: NIOEngine, connector: UpstreamConnector) {
        self.exchange = exchange
        self.engine = engine
        self.connector = connector
    }

    func start() {
        exchange.start()
        settle()
    }

    // MARK: - Events

    func use(_ connected: UpstreamHandler) {
        upstream = connected
        handle(.connected(connected.id))
    }

    func handle(_ event: UpstreamEvent) {
        guard !isHandling else { return waitingEvents.append(event) }
        engine.tick()
        report(event)
        settle()
    }

    private func report(_ event: UpstreamEvent) {
        switch event {
        case .connected(let id): exchange.upstreamConnected(id)
        case .failed(let id): exchange.upstreamFailed(id)
        case .received(let id, let buffer):
            buffer.withUnsafeReadableBytes { exchange.receivedFromUpstream(id, $0) }
        case .closed(let id, let inOrder): closed(id, inOrder: inOrder)
        case .ended(let id): closed(id, inOrder: true)
        case .refused(let id): closed(id, inOrder: false)
        case .unusable(let id): exchange.upstreamUnusable(id)
        // All that is sent is bounded, and sent at once.
        case .writability: break
        }
    }

    private func closed(_ id: UpstreamID, inOrder: Bool) {
        if upstream?.id == id { upstream = nil }
        exchange.upstreamClosed(id, inOrder: inOrder)
    }

    /// Does what the exchange says, and whatever comes of that.
    private func settle() {
        isHandling = true
        exchange.takeActions(perform)
        while let event = waitingEvents.popFirst() {
            report(event)
            exchange.takeActions(perform)
        }
        isHandling = false
        upstream?.flush()
        setTimer()
    }

    // MARK: - Actions

    private func perform(_ action: ExchangeAction) {
        switch action {
        case .sendToUpstream(.staged(let range)): upstream?.send(exchange.upstreamStage[range])
        case .connect(let id, let endpoint):
            let handler = UpstreamHandler(id: id, engine: engine, user: self)
            engine.keep(handler)
            handler.connect(to: engine.gateway.upstreams.address(of: endpoint), by: connector)
        case .attach(let id):
            guard let idle = engine.upstream(id), idle.isOpen else {
                engine.close(id)
                return waitingEvents.append(.unusable(id))
            }
            idle.user = self
            upstream = idle
        case .detach: letGo()
        case .closeUpstream(let id):
            letGo()
            engine.close(id)
        case .sendToClient, .sendToUpstream(.received), .endUpstream, .beginTunnel, .shutUpstreamOutput,
            .readFromClient,
            .readFromUpstream, .shutClientOutput, .closeClient, .abortClient:
            break
        }
    }

    private func letGo() {
        upstream?.flush()
        upstream?.user = nil
        upstream = nil
    }

    // MARK: - Time

    private func setTimer() {
        let due = exchange.deadline
        guard due != timerDue else { return }
        timer?.cancel()
        timerDue = due
        timer = nil
        guard due < .max else { return }
        timer = try? connector.eventLoop.assumeIsolated().scheduleCallback(at: .uptimeNanoseconds(due), handler: self)
    }

    func handleScheduledCallback(eventLoop: some EventLoop) {
        timer = nil
        timerDue = .max
        engine.tick()
        exchange.timerFired()
        settle()
    }
}
