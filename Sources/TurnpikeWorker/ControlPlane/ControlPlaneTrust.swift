// SPDX-License-Identifier: Apache-2.0

import NIOSSL

/// Whom a worker believes that a control plane at an `https` address is who it says.
public struct ControlPlaneTrust: Sendable, Hashable {
    /// A PEM file of the CAs that may vouch for the control plane; `nil`: whom the system trusts.
    public var authorities: String?

    public init(authorities: String? = nil) {
        self.authorities = authorities
    }

    /// Reads the files, which blocks.
    ///
    /// - Throws: ``StartFailure``.
    func configuration() throws -> TLSConfiguration {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv12
        if let authorities {
            configuration.trustRoots = .certificates(try certificates(in: authorities, "CA"))
        }
        return configuration
    }

    private func certificates(in path: String, _ what: String) throws -> [NIOSSLCertificate] {
        let failure = "the \(what) file \(path) cannot be used"
        let certificates: [NIOSSLCertificate]
        do {
            certificates = try NIOSSLCertificate.fromPEMFile(path)
        } catch {
            throw StartFailure(what: failure, cause: Unusable.notPEM)
        }
        guard !certificates.isEmpty else { throw StartFailure(what: failure, cause: Unusable.notPEM) }
        return certificates
    }

    private enum Unusable: Error, CustomStringConvertible {
        case notPEM

        var description: String { "it cannot be read, or is not PEM" }
    }
}
