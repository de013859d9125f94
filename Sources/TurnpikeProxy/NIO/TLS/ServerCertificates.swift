// SPDX-License-Identifier: Apache-2.0

import NIOSSL
import Synchronization

/// A certificate that a gateway may show to clients, with its key.
public struct ServerCertificate: Sendable {
    /// For people: what it was read from.
    public var source: String
    /// The DNS names that it speaks for, in lower case; `*.` stands for one label.
    public var names: [String]
    /// PEM, the certificate itself first.
    public var chain: [UInt8]
    /// PEM.
    public var key: [UInt8]
    /// Shown to clients that name no server, or one that no certificate speaks for.
    public var isDefault: Bool

    public init(source: String, names: [String], chain: [UInt8], key: [UInt8], isDefault: Bool = false) {
        self.source = source
        self.names = names
        self.chain = chain
        self.key = key
        self.isDefault = isDefault
    }
}

/// The certificates of a gateway by the names that clients ask for (SNI, RFC 6066 §3). Safe from any thread.
///
/// They are replaced as a whole: handshakes from then on see the new ones, and connections keep what they have.
public final class ServerCertificates: Sendable {
    private struct Directory: Sendable {
        var exact: [String: NIOSSLContext] = [:]
        /// By what follows the `*.`.
        var wildcard: [String: NIOSSLContext] = [:]
        var fallback: NIOSSLContext?
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
    func context(for serverName: String?) -> NIOSSLContext? {
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
            let context = try context(of: certificate)
            for name in certificate.names {
                if name.hasPrefix("*.") {
                    made.wildcard[String(name.dropFirst(2))] = context
                } else {
                    made.exact[name] = context
                }
            }
            if certificate.isDefault || certificates.count == 1 { made.fallback = context }
        }
        return made
    }

    /// TLS 1.2 and newer; HTTP/2 before HTTP/1.1 (ALPN, RFC 7301).
    private static func context(of certificate: ServerCertificate) throws(CertificateFailure) -> NIOSSLContext {
        do {
            let pair = try KeyPair(chain: certificate.chain, key: certificate.key)
            var configuration = TLSConfiguration.makeServerConfiguration(
                certificateChain: pair.chain, privateKey: pair.key)
            configuration.minimumTLSVersion = .tlsv12
            configuration.applicationProtocols = ["h2", "http/1.1"]
            return try NIOSSLContext(configuration: configuration)
        } catch {
            throw CertificateFailure(source: certificate.source, cause: error)
        }
    }
}
