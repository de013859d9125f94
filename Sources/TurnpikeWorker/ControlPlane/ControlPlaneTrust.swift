// SPDX-License-Identifier: Apache-2.0

import NIOSSL

/// Whom a worker believes that a control plane at an `https` address is who it says, and what it shows of itself there.
public struct ControlPlaneTrust: Sendable, Hashable {
    /// The PEM files of a certificate that somebody else keeps for the worker, and of its key.
    public struct Files: Sendable, Hashable {
        public var certificate: String
        public var key: String

        public init(certificate: String, key: String) {
            self.certificate = certificate
            self.key = key
        }
    }

    /// A PEM file of the CAs that may vouch for the control plane; `nil`: whom the system trusts.
    public var authorities: String?
    /// What the worker shows; `nil`: the certificate that the control plane issues to it, if it does.
    public var files: Files?

    public init(authorities: String? = nil, files: Files? = nil) {
        self.authorities = authorities
        self.files = files
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
        if let files {
            configuration.certificateChain = try certificates(in: files.certificate, "certificate")
                .map { .certificate($0) }
            do {
                configuration.privateKey = .privateKey(try NIOSSLPrivateKey(file: files.key, format: .pem))
            } catch {
                throw StartFailure(what: "the key file \(files.key) cannot be used", cause: Unusable.notPEM)
            }
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
