// SPDX-License-Identifier: Apache-2.0

import Synchronization
import TurnpikeIdentity
import TurnpikeModel
import TurnpikeProxy
import TurnpikeSnapshot
import TurnpikeTelemetry

/// All certificates that a gateway shows to clients: those of its files, and those that the control plane tells of. Safe from any
/// thread.
///
/// For a name that both have, the file is shown: whoever runs the machine decides. So does it for clients that name nobody:
/// none that is told of is ever the default, or one tenant's would be shown for another's names.
final class ServedCertificates: Sendable {
    /// One that the control plane tells of, ready to be shown.
    struct Told: Sendable {
        var compiled: CompiledCertificate
        var ready: ReadyCertificate
    }

    private struct State {
        var ofFiles: [ReadyCertificate] = []
        var endOfFiles: Timestamp?
        var told: [CompiledName: Told] = [:]
    }

    /// What handshakes look in.
    let certificates = ServerCertificates()
    private let state = Mutex(State())
    private let expiry: Gauge

    init(metrics: MetricsRegistry) {
        expiry = metrics.gauge(.certificateExpiry, help: "When the TLS certificate ends, in seconds since 1970.")
    }

    /// Puts files in the place of those from before. One alone is the default.
    ///
    /// - Throws: ``CertificateFailure``, for the first that cannot be used; those from before stay then.
    func take(_ found: [CertificateFolder.Certificate]) throws(CertificateFailure) {
        var ready: [ReadyCertificate] = []
        for file in found {
            ready.append(try ReadyCertificate(ServerCertificate(file, isDefault: found.count == 1 || file.isDefault)))
        }
        change { state in
            state.ofFiles = ready
            state.endOfFiles = found.map(\.facts.expiresAt).min()
        }
    }

    /// What the control plane has told of so far.
    var told: [CompiledName: Told] { state.withLock(\.told) }

    /// Puts all that the control plane tells of in the place of what it told before.
    func take(_ told: [CompiledName: Told]) { change { $0.told = told } }

    private func change(_ body: (inout State) -> Void) {
        state.withLock { state in
            body(&state)
            // The newest last, where a tenant has two for one name.
            let told = state.told.values.sorted {
                ($0.compiled.notBefore, $0.compiled.tenant, $0.compiled.name)
                    < ($1.compiled.notBefore, $1.compiled.tenant, $1.compiled.name)
            }
            certificates.replace(by: told.map(\.ready) + state.ofFiles)
            let ends = told.map(\.compiled.notAfter) + (state.endOfFiles.map { [$0] } ?? [])
            expiry.set(Int((ends.min()?.milliseconds ?? 0) / 1000))
        }
    }
}

extension CertificateFolder.Certificate {
    /// Whether it is for clients that name no server, or one that there is no certificate for.
    fileprivate var isDefault: Bool { pair.folder == nil && pair.name == "default" }
}

extension ServerCertificate {
    fileprivate init(_ found: CertificateFolder.Certificate, isDefault: Bool) {
        self.init(
            source: found.pair.chain, names: found.facts.names, chain: found.chain, key: found.key, isDefault: isDefault
        )
    }
}
