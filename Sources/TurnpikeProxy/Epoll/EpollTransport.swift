// SPDX-License-Identifier: Apache-2.0

#if os(Linux)

import TurnpikeProxyCore
import TurnpikeSnapshot

/// A gateway on an event loop of our own.
struct EpollTransport: RunningTransport {
    private let epoll: EpollLoop
    private let engine: LoopBound<EpollEngine>
    private let listener: LoopBound<EpollListener>
    let port: Int
    /// It speaks no TLS.
    var securePort: Int? { nil }

    var loop: any GatewayLoop { epoll }

    static func start(_ parts: EngineParts) async throws -> EpollTransport {
        let loop = try EpollLoop.start()
        do {
            let engine: LoopBound<EpollEngine> = try await parts.makeEngine(on: loop)
            let (listener, port) = try await loop.submit {
                let engine = engine.value
                let listener = try EpollListener(
                    host: parts.options.host, port: parts.options.port, engine: engine, loop: loop, logger: parts.logger
                )
                loop.turnBegan = { engine.tick() }
                return (LoopBound(listener, on: loop), listener.port)
            }
            return EpollTransport(epoll: loop, engine: engine, listener: listener, port: port)
        } catch {
            await loop.stop()
            throw error
        }
    }

    func apply(_ configuration: GatewayConfiguration) async { await engine.apply(configuration) }

    func answer(_ probe: Probe) async -> ProbeAnswer { await engine.answer(probe) }

    func stopListening() async { try? await loop.submit { listener.value.close() } }

    func drain(timeout: Duration) async { await engine.drain(timeout: timeout) }

    func shutDown() async {
        try? await loop.submit {
            listener.value.close()
            engine.value.cutOff()
        }
        await epoll.stop()
    }
}

#endif
