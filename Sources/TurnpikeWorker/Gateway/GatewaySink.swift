// SPDX-License-Identifier: Apache-2.0

import Synchronization
import TurnpikeProxy
import TurnpikeProxyCore
import TurnpikeSnapshot
import TurnpikeTelemetry

/// Serves a gateway's requests by the configurations that come.
final class GatewaySink: ConfigurationSink {
    /// How certificates get from a configuration to clients.
    struct Certificates: Sendable {
        var served: ServedCertificates
        var opener: CertificateOpener
    }

    private let server: GatewayServer
    private let health: WorkerHealth
    private let certificates: Certificates?
    private let state = Mutex(GatewayState())
    /// What is served by.
    private let current = Mutex<GatewayConfiguration?>(nil)

    /// - Parameter certificates: `nil` where no client comes over TLS: then certificates are nothing to this gateway.
    init(server: GatewayServer, health: WorkerHealth, certificates: Certificates?) {
        self.server = server
        self.health = health
        self.certificates = certificates
    }

    func take(_ delta: Delta) async -> [Acknowledgement.Reason] {
        let (reasons, lacking) = await take(delta, mayAsk: true)
        return reasons + lacking
    }

    /// Takes what was served before the last stop over. What of it cannot be shown without the control plane is left out: better
    /// all the rest is served than nothing.
    ///
    /// - Returns: why it cannot be served; and which certificates are left out.
    func restore(_ delta: Delta) async -> (reasons: [Acknowledgement.Reason], lacking: [Acknowledgement.Reason]) {
        await take(delta, mayAsk: false)
    }

    /// Compiling happens on the caller's thread, never on the gateway's.
    private func take(
        _ delta: Delta, mayAsk: Bool
    ) async -> (reasons: [Acknowledgement.Reason], lacking: [Acknowledgement.Reason]) {
        let current = certificates?.served.told ?? [:]
        let (opened, lacking) = await certificates?.opener.open(delta, over: current, mayAsk: mayAsk) ?? ([:], [])
        guard lacking.isEmpty || !mayAsk else { return ([], lacking) }
        let made = state.withLock { state in
            Result { () throws(GatewayConfiguration.Rejection) in try state.apply(delta) }
        }
        switch made {
        case .success(let configuration): await serve(by: configuration)
        case .failure(let rejection): return (rejection.reasons, [])
        }
        if delta.concernsCertificates { certificates?.served.take(opened) }
        health.configurationApplied()
        if delta.set.count + delta.removed.count > Allocator.largeWork { Allocator.trim() }
        return ([], lacking)
    }

    /// What is served now.
    var served: GatewayState { state.withLock { $0 } }

    private func serve(by configuration: GatewayConfiguration) async {
        let former = current.withLock { current in
            defer { current = configuration }
            return current
        }
        await server.apply(configuration)
        // All that it had and nobody has any more is freed aside: on a loop, requests would wait for that, and here the change's
        // acknowledgement.
        Task.detached { withExtendedLifetime(former) {} }
    }

    func answer(_ probe: Probe) async -> ProbeAnswer { await server.answer(probe) }
}

extension Delta {
    fileprivate var concernsCertificates: Bool {
        isSnapshot || removed.contains { $0.type == .certificate } || set.contains { $0.type == .certificate }
    }
}
