// SPDX-License-Identifier: Apache-2.0

import Synchronization
import TurnpikeProxy
import TurnpikeProxyCore
import TurnpikeSnapshot
import TurnpikeTelemetry

/// Serves a gateway's requests by the configurations that come.
final class GatewaySink: ConfigurationSink {
    private let server: GatewayServer
    private let health: WorkerHealth
    private let state = Mutex(GatewayState())

    init(server: GatewayServer, health: WorkerHealth) {
        self.server = server
        self.health = health
    }

    /// Compiling happens on the caller's thread, never on the gateway's.
    func take(_ delta: Delta) async -> [Acknowledgement.Reason] {
        let made = state.withLock { state in
            Result { () throws(GatewayConfiguration.Rejection) in try state.apply(delta) }
        }
        switch made {
        case .success(let configuration): await server.apply(configuration)
        case .failure(let rejection): return rejection.reasons
        }
        health.configurationApplied()
        if delta.set.count + delta.removed.count > Allocator.largeWork { Allocator.trim() }
        return []
    }

    func answer(_ probe: Probe) async -> ProbeAnswer { await server.answer(probe) }
}
