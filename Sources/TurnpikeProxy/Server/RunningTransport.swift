// SPDX-License-Identifier: Apache-2.0

import TurnpikeProxyCore
import TurnpikeSnapshot

/// A listener, its loop and its engine, as ``GatewayServer`` holds them. Safe from any thread.
protocol RunningTransport: Sendable {
    var loop: any GatewayLoop { get }
    /// Where it listens.
    var port: Int { get }
    /// Where it listens for TLS; `nil` where it does not.
    var securePort: Int? { get }

    func apply(_ configuration: GatewayConfiguration) async
    /// Nothing is known once the loop has stopped.
    func answer(_ probe: Probe) async -> ProbeAnswer
    /// From then on connecting is refused.
    func stopListening() async
    /// Ends all connections, those that are left after `timeout` at once, and gives everything back.
    func drain(timeout: Duration) async
    /// Ends the loop.
    func shutDown() async
}

/// What other threads ask of an engine.
extension LoopBound {
    func apply<C, U>(_ configuration: GatewayConfiguration) async where Value == LoopEngine<C, U> {
        // Fails only where the loop has stopped, and then there is nothing left to do it to.
        try? await loop.submit { value.apply(configuration) }
    }

    func answer<C, U>(_ probe: Probe) async -> ProbeAnswer where Value == LoopEngine<C, U> {
        (try? await loop.submit { value.answer(probe) }) ?? ProbeAnswer(states: [])
    }

    func drain<C, U>(timeout: Duration) async where Value == LoopEngine<C, U> {
        await withCheckedContinuation { continuation in
            loop.execute { value.drain(timeout: timeout) { continuation.resume() } }
        }
        await withCheckedContinuation { continuation in
            loop.execute { value.finish { continuation.resume() } }
        }
    }
}
