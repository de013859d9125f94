// SPDX-License-Identifier: Apache-2.0

import Foundation
import TurnpikeAPI
import TurnpikeIdentity
import TurnpikeModel

/// Where the server's certificate comes from.
protocol CertificateSource: Sendable {
    /// What is there now. Blocks.
    func material(now: Timestamp) throws(TLSFault) -> TLSMaterial
    /// How long before its end a certificate is to be replaced without being asked to; `nil`: somebody else sees to that.
    var renewal: Duration? { get }
}

/// A certificate and a key that somebody else keeps up to date.
struct CertificateFiles: CertificateSource {
    let certificate: String
    let key: String
    /// `nil`: workers show no certificate.
    let workerAuthorities: String?

    var renewal: Duration? { nil }

    func material(now: Timestamp) throws(TLSFault) -> TLSMaterial {
        TLSMaterial(
            certificateChain: try PEMFile.read(certificate, as: "TLS certificate"),
            privateKey: try PEMFile.read(key, as: "TLS key"),
            workerAuthorities: try workerAuthorities.map { path throws(TLSFault) in
                try PEMFile.read(path, as: "workers' CA")
            })
    }
}

/// Certificates of the control plane's own CA: a new one each time, and in time before the last one ends.
struct IssuedCertificates: CertificateSource {
    let authority: CertificateAuthority
    let names: [String]
    let vouchesForWorkers: Bool

    var renewal: Duration? { CertificateAuthority.serverLifetime / 2 }

    func material(now: Timestamp) throws(TLSFault) -> TLSMaterial {
        do {
            let issued = try authority.issueServer(names: names, now: now)
            return TLSMaterial(
                certificateChain: Array(issued.certificatePEM.utf8), privateKey: Array(issued.privateKeyPEM.utf8),
                workerAuthorities: vouchesForWorkers ? Array(authority.certificatePEM.utf8) : nil)
        } catch { throw TLSFault(error.description) }
    }
}

enum PEMFile {
    /// Far beyond any chain.
    private static let limitBytes = 1 << 20

    /// - Parameter what: the file's meaning, for people.
    static func read(_ path: String, as what: String) throws(TLSFault) -> [UInt8] {
        guard let bytes = FileManager.default.contents(atPath: path) else {
            throw TLSFault("The \(what) '\(path)' cannot be read.")
        }
        guard bytes.count <= limitBytes else { throw TLSFault("The \(what) '\(path)' is larger than 1 MiB.") }
        return Array(bytes)
    }
}
