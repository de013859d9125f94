// SPDX-License-Identifier: Apache-2.0

import TurnpikeProxyCore
import TurnpikeSnapshot

/// A listener with its loops, as ``GatewayServer`` holds them. Safe from any thread.
protocol RunningTransport: Sendable {
    var engines: any TransportEngines { get }
    /// Where it listens in the clear; `nil` where it does not.
    var port: Int? { get }
    /// Where it listens for TLS; `nil` where it does not.
    var securePort: Int? { get }

    /// From then on connecting is refused.
    func stopListening() async
    /// Ends the loops.
    func shutDown() async
}

/// The engines of one transport, one for each of its loops, as other threads know them. Safe from any thread.
protocol TransportEngines: Sendable {
    var loops: [any GatewayLoop] { get }

    /// Returns once all loops serve by it.
    func apply(_ configuration: GatewayConfiguration) async
    /// Asks the first loop: what probes are about, all loops share. Nothing is known once it has stopped.
    func answer(_ probe: Probe) async -> ProbeAnswer
    func lenders() async -> [LeaseLender]
    /// Makes loops known to each other, these among them.
    func introduce(_ lenders: [LeaseLender]) async
    /// Ends all connections, those that are left after `timeout` at once, and gives everything back.
    func drain(timeout: Duration) async
    /// Closes all that is open.
    func cutOff() async
}
