// SPDX-License-Identifier: Apache-2.0

import Logging
import TurnpikeIdentity
import TurnpikeModel
import TurnpikeProxy
import TurnpikeProxyCore
import TurnpikeTelemetry

// What certificates are for: those that clients are shown, and those that upstreams are.

extension CertificateService {
    /// Certificates for clients, by the names that they say themselves. `default.crt`, in the folder itself, is for clients that
    /// name no server, or one that there is no certificate for. One at least has to be there.
    convenience init(
        keeping certificates: ServedCertificates, in folder: CertificateFolder, logger: Logger
    ) throws {
        try self.init(folder, logger: logger) { found in
            guard !found.isEmpty else {
                throw CertificateFailure(source: folder.path, reason: "the folder has no NAME.crt with a NAME.key")
            }
            try certificates.take(found)
        }
    }

    /// Certificates for upstreams: `TENANT/NAME.crt` is what a service of that tenant calls `NAME`, and no other's.
    convenience init(
        keeping certificates: ClientCertificates, in folder: CertificateFolder, logger: Logger, metrics: MetricsRegistry
    ) throws {
        let expiry = metrics.gauge(
            .clientCertificateExpiry,
            help: "When the first of the certificates that are shown to upstreams ends, in seconds since 1970.")
        try self.init(folder, logger: logger) { found in
            try certificates.replace(by: found.map(ClientCertificate.init))
            expiry.set(Int((found.map(\.facts.expiresAt).min()?.milliseconds ?? 0) / 1000))
        }
    }
}

extension ClientCertificate {
    /// - Throws: ``CertificateFailure`` for one in the folder itself, which would be nobody's.
    fileprivate init(_ found: CertificateFolder.Certificate) throws(CertificateFailure) {
        guard let tenant = found.pair.folder else {
            throw CertificateFailure(source: found.pair.chain, reason: "it is in no tenant's folder")
        }
        self.init(
            source: found.pair.chain, name: ClientCertificateName(tenant: tenant, name: found.pair.name),
            chain: found.chain, key: found.key)
    }
}
