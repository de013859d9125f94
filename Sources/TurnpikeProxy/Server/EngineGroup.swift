// SPDX-License-Identifier: Apache-2.0

import TurnpikeProxyCore
import TurnpikeSnapshot

/// The engines of one transport's loops.
struct EngineGroup<Client: EngineClient, Upstream: EngineUpstream>: TransportEngines {
    typealias Engine = LoopEngine<Client, Upstream>

    /// At least one.
    let engines: [LoopBound<Engine>]

    var loops: [any GatewayLoop] { engines.map(\.loop) }

    func apply(_ configuration: GatewayConfiguration) async {
        await each { $0.apply(configuration) }
    }

    func answer(_ probe: Probe) async -> ProbeAnswer {
        guard let engine = engines.first else { return ProbeAnswer(states: []) }
        return (try? await engine.loop.submit { engine.value.answer(probe) }) ?? ProbeAnswer(states: [])
    }

    func lenders() async -> [LeaseLender] {
        var lenders: [LeaseLender] = []
        for engine in engines {
            let lender = try? await engine.loop.submit {
                LeaseLender(id: ObjectIdentifier(engine.value)) { shortfalls, answer in
                    engine.loop.execute { answer(engine.value.lend(shortfalls)) }
                }
            }
            if let lender { lenders.append(lender) }
        }
        return lenders
    }

    func introduce(_ lenders: [LeaseLender]) async {
        await each { $0.introduce(lenders) }
    }

    func drain(timeout: Duration) async {
        await withDiscardingTaskGroup { group in
            for engine in engines { group.addTask { await Self.drain(engine, timeout: timeout) } }
        }
    }

    func cutOff() async {
        await each { $0.cutOff() }
    }

    private static func drain(_ engine: LoopBound<Engine>, timeout: Duration) async {
        await withCheckedContinuation { continuation in
            engine.loop.execute { engine.value.drain(timeout: timeout) { continuation.resume() } }
        }
        await withCheckedContinuation { continuation in
            engine.loop.execute { engine.value.finish { continuation.resume() } }
        }
    }

    /// Runs `body` on every loop, on all of them at the same time.
    private func each(_ body: @escaping @Sendable (Engine) -> Void) async {
        await withDiscardingTaskGroup { group in
            for engine in engines {
                // Fails only where the loop has stopped, and then there is nothing left to do it to.
                group.addTask { try? await engine.loop.submit { body(engine.value) } }
            }
        }
    }
}
