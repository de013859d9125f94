// SPDX-License-Identifier: Apache-2.0

#if os(Linux)

import TurnpikeProxyCore

/// A gateway on event loops of our own. The first of them listens.
struct EpollTransport: RunningTransport {
    let engines: any TransportEngines
    private let epolls: [EpollLoop]
    private let listener: LoopBound<EpollListener>
    let port: Int?
    /// It speaks no TLS.
    var securePort: Int? { nil }

    static func start(_ parts: EngineParts) async throws -> EpollTransport {
        var loops: [EpollLoop] = []
        do {
            var seats: [EpollSeat] = []
            for _ in 0..<parts.options.loops {
                let loop = try EpollLoop.start(upstreams: parts.connectorOptions)
                loops.append(loop)
                seats.append(try await seat(on: loop, parts))
            }
            let (listener, port) = try await listen(parts, seats, on: seats[0].loop)
            return EpollTransport(
                engines: EngineGroup(engines: seats.map(\.engine)), epolls: loops, listener: listener, port: port)
        } catch {
            for loop in loops { await loop.stop() }
            throw error
        }
    }

    private static func seat(on loop: EpollLoop, _ parts: EngineParts) async throws -> EpollSeat {
        let bound: LoopBound<EpollEngine> = try await parts.makeEngine(on: loop)
        return try await loop.submit {
            let engine = bound.value
            loop.turnBegan = { engine.tick() }
            return EpollSeat(loop: loop, engine: bound, load: engine.load)
        }
    }

    private static func listen(
        _ parts: EngineParts, _ seats: [EpollSeat], on loop: EpollLoop
    ) async throws -> (LoopBound<EpollListener>, port: Int) {
        try await loop.submit {
            let listener = try EpollListener(
                host: parts.options.host, port: parts.options.port, seats: seats, loop: loop, logger: parts.logger
            )
            return (LoopBound(listener, on: loop), listener.port)
        }
    }

    func stopListening() async { try? await listener.loop.submit { listener.value.close() } }

    /// The listener goes first, so that no connection is on its way to a loop that has ended.
    func shutDown() async {
        await stopListening()
        await engines.cutOff()
        for loop in epolls { await loop.stop() }
    }
}

#endif
