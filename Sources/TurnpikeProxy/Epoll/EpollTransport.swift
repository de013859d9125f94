// SPDX-License-Identifier: Apache-2.0

#if os(Linux)

import Logging
import TurnpikeProxyCore

/// A gateway on event loops of our own. The first of them listens, in the clear and for TLS.
struct EpollTransport: RunningTransport {
    let engines: any TransportEngines
    private let epolls: [EpollLoop]
    /// In the clear, and for TLS where it is wanted.
    private let listeners: [Listener]
    var port: Int? { listeners.first?.port }
    var securePort: Int? { listeners.dropFirst().first?.port }

    private struct Listener: Sendable {
        let bound: LoopBound<EpollListener>
        let port: Int

        func close() async { try? await bound.loop.submit { bound.value.close() } }
    }

    static func start(_ parts: EngineParts) async throws -> EpollTransport {
        let options = parts.options
        var loops: [EpollLoop] = []
        var listeners: [Listener] = []
        do {
            var seats: [EpollSeat] = []
            for _ in 0..<options.loops {
                let loop = try EpollLoop.start(upstreams: parts.upstreamOptions)
                loops.append(loop)
                seats.append(try await seat(on: loop, parts))
            }
            let address = EndpointAddress(host: options.host, port: options.port)
            listeners.append(try await listen(at: address, nil, seats, parts.logger))
            if let secure = options.secure {
                let address = EndpointAddress(host: secure.host, port: secure.port)
                listeners.append(try await listen(at: address, secure.certificates, seats, parts.logger))
            }
            return EpollTransport(
                engines: EngineGroup(engines: seats.map(\.engine)), epolls: loops, listeners: listeners)
        } catch {
            for listener in listeners { await listener.close() }
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
        at address: EndpointAddress, _ certificates: ServerCertificates?, _ seats: [EpollSeat], _ logger: Logger
    ) async throws -> Listener {
        let loop = seats[0].loop
        return try await loop.submit {
            let listener = try EpollListener(
                at: address, certificates: certificates, seats: seats, loop: loop, logger: logger)
            return Listener(bound: LoopBound(listener, on: loop), port: listener.port)
        }
    }

    func stopListening() async {
        for listener in listeners { await listener.close() }
    }

    /// The listeners go first, so that no connection is on its way to a loop that has ended.
    func shutDown() async {
        await stopListening()
        await engines.cutOff()
        for loop in epolls { await loop.stop() }
    }
}

#endif
