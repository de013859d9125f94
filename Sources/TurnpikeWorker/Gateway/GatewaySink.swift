// SPDX-License-Identifier: Apache-2.0

import TurnpikeProxy
import TurnpikeProxyCore
import TurnpikeSnapshot

/// Serves a gateway's requests by the configurations that come.
struct GatewaySink: ConfigurationSink {
    let server: GatewayServer
    let health: WorkerHealth

    /// Compiling happens on the caller's thread, never on the gateway's.
    func take(_ snapshot: Snapshot) async -> [Acknowledgement.Reason] {
        do {
            await server.apply(try GatewayConfiguration(snapshot))
        } catch {
            return error.reasons
        }
        health.configurationApplied()
        return []
    }
}
