// SPDX-License-Identifier: Apache-2.0

#if os(Linux)

import TurnpikeProxyCore

/// Moves the bytes and events of one upstream connection for the ``MirrorExchange`` that decides. Nobody holds it but the
/// connection and the timer. Confined to its loop.
final class EpollMirror: EpollUpstreamUser, TimerOwner {
    private let exchange: MirrorExchange
    private let engine: EpollEngine
    private let loop: EpollLoop
    private var upstream: EpollUpstream?
    private var isHandling = false
    private var waitingEvents: [EpollUpstreamEvent] = []
    private var timer: TimerID?
    private var timerDue = UInt64.max

    init(_ exchange: MirrorExchange, engine: EpollEngine, loop: EpollLoop) {
        self.exchange = exchange
        self.engine = engine
        self.loop = loop
    }

    func start() {
        exchange.start()
        settle()
    }

    // MARK: - Events

    func use(_ connected: EpollUpstream) {
        upstream = connected
        handle(.connected(connected.id), UnsafeRawBufferPointer(start: nil, count: 0))
    }

    func handle(_ event: EpollUpstreamEvent, _ bytes: UnsafeRawBufferPointer) {
        guard !isHandling else { return waitingEvents.append(event) }
        report(event, bytes)
        settle()
    }

    private func report(_ event: EpollUpstreamEvent, _ bytes: UnsafeRawBufferPointer) {
        switch event {
        case .connected(let id): exchange.upstreamConnected(id)
        case .failed(let id): exchange.upstreamFailed(id)
        case .received(let id): exchange.receivedFromUpstream(id, bytes)
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
        while !waitingEvents.isEmpty {
            report(waitingEvents.removeFirst(), UnsafeRawBufferPointer(start: nil, count: 0))
            exchange.takeActions(perform)
        }
        isHandling = false
        setTimer()
    }

    // MARK: - Actions

    private func perform(_ action: ExchangeAction) {
        switch action {
        case .sendToUpstream(.staged(let range)):
            loop.toUpstream.append(exchange.upstreamStage[range])
            if let upstream { upstream.send(loop.toUpstream) } else { loop.toUpstream.removeAll() }
        case .connect(let id, let endpoint):
            let address = engine.gateway.upstreams.address(of: endpoint)
            let connecting = EpollUpstream(id: id, to: address, engine: engine, loop: loop, user: self)
            engine.keep(connecting)
            connecting.connect()
        case .attach(let id):
            guard let idle = engine.upstream(id), idle.serve(self) != nil else {
                engine.close(id)
                return waitingEvents.append(.unusable(id))
            }
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
        upstream?.user = nil
        upstream = nil
    }

    // MARK: - Time

    private func setTimer() {
        let due = exchange.deadline
        guard due != timerDue else { return }
        if let timer { loop.cancel(timer) }
        timer = due < .max ? loop.setTimer(for: self, at: due) : nil
        timerDue = due
    }

    func timerFired() {
        timer = nil
        timerDue = .max
        exchange.timerFired()
        settle()
    }
}

#endif
