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
    }

    private let directory: Mutex<Directory>

    /// None: until there are some, every handshake fails.
    public init() { directory = Mutex(Directory()) }

    /// - Throws: ``CertificateFailure``, for the first that cannot be used.
    public init(_ certificates: [ServerCertificate]) throws(CertificateFailure) {
        directory = Mutex(try Self.directory(of: certificates))
    }

    /// - Throws: ``CertificateFailure``; those from before stay then.
    public func replace(by certificates: [ServerCertificate]) throws(CertificateFailure) {
        let fresh = try Self.directory(of: certificates)
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

    /// Where two speak for the same name, the later one is shown. One alone is the default.
    private static func directory(of certificates: [ServerCertificate]) throws(CertificateFailure) -> Directory {
        var made = Directory()
        for certificate in certificates {
            let shown = try shown(certificate)
            for name in certificate.names {
                if name.hasPrefix("*.") {
                    made.wildcard[String(name.dropFirst(2))] = shown
                } else {
                    made.exact[name] = shown
                }
            }
            if certificate.isDefault || certificates.count == 1 { made.fallback = shown }
        }
        return made
    }

    private static func shown(_ certificate: ServerCertificate) throws(CertificateFailure) -> Shown {
        do {
            let nio = try NIOSSLContext.showing(certificate)
            #if os(Linux)
            return Shown(nio: nio, epoll: try TLSContext(showing: certificate))
            #else
            return Shown(nio: nio)
            #endif
        } catch {
            throw CertificateFailure(source: certificate.source, cause: error)
        }
    }
}
