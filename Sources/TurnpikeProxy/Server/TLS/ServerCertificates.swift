// SPDX-License-Identifier: Apache-2.0

import NIOSSL
import Synchronization

/// The certificates of a gateway by the names that clients ask for (SNI, RFC 6066 §3). Safe from any thread.
///
/// They are replaced as a whole: handshakes from then on see the new ones, and connections keep what they have.
public final class ServerCertificates: Sendable {
    /// A certificate as each transport's handshakes show it.
    struct Shown: Sendable {
        let nio: NIOSSLContext
        #if os(Linux)
        let epoll: TLSContext
        #endif
    }

    private struct Directory: Sendable {
        var exact: [String: Shown] = [:]
        /// By what follows the `*.`.
        var wildcard: [String: Shown] = [:]
        var fallback: Shown?

        /// Where two speak for the same name, the later one is shown.
        init(of certificates: [ReadyCertificate] = []) {
            for certificate in certificates {
                for name in certificate.names {
                    if name.hasPrefix("*.") {
                        wildcard[String(name.dropFirst(2))] = certificate.shown
                    } else {
                        exact[name] = certificate.shown
                    }
                }
                if certificate.isDefault { fallback = certificate.shown }
            }
        }
    }

    private let directory = Mutex(Directory())

    /// None: until there are some, every handshake fails.
    public init() {}

    /// - Throws: ``CertificateFailure``, for the first that cannot be used.
    public convenience init(_ certificates: [ServerCertificate]) throws(CertificateFailure) {
        self.init()
        try replace(by: certificates)
    }

    /// One alone is the default.
    ///
    /// - Throws: ``CertificateFailure``; those from before stay then.
    public func replace(by certificates: [ServerCertificate]) throws(CertificateFailure) {
        var ready: [ReadyCertificate] = []
        for var certificate in certificates {
            if certificates.count == 1 { certificate.isDefault = true }
            ready.append(try ReadyCertificate(certificate))
        }
        replace(by: ready)
    }

    /// Where two speak for the same name, the later one is shown.
    public func replace(by certificates: [ReadyCertificate]) {
        let fresh = Directory(of: certificates)
        directory.withLock { $0 = fresh }
    }

    /// The exact name goes before the wildcard. Without a name, or for one that is nobody's, the default; `nil` where there is
    /// none.
    func shown(for serverName: String?) -> Shown? {
        directory.withLock { directory in
            guard let name = serverName?.lowercased() else { return directory.fallback }
            if let exact = directory.exact[name] { return exact }
            let parent = name.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false).last.map(
                String.init)
            return parent.flatMap { directory.wildcard[$0] } ?? directory.fallback
        }
    }
}
