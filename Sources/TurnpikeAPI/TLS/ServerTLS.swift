// SPDX-License-Identifier: Apache-2.0

import NIOSSL
import Synchronization
public import TurnpikeModel

/// TLS 1.2 and 1.3 as the API speaks it. Its certificate can be replaced while it serves: connections that are open stay
/// as they are, new ones get the new certificate.
public final class ServerTLS: Sendable {
    private struct State: Sendable {
        var context: NIOSSLContext
        var expiry: Timestamp
    }

    private let state: Mutex<State>

    public init(_ material: TLSMaterial) throws(TLSFault) {
        state = Mutex(try ServerTLS.state(of: material))
    }

    /// Takes the material for all connections from now on. Reading it blocks: not from an event loop.
    ///
    /// - Throws: where it cannot be used; what was there goes on serving, then.
    public func replace(with material: TLSMaterial) throws(TLSFault) {
        let new = try ServerTLS.state(of: material)
        state.withLock { $0 = new }
    }

    /// When the certificate ends that new connections get.
    public var expiry: Timestamp { state.withLock(\.expiry) }

    /// A connection's handler, with the material of this moment.
    func makeHandler() -> NIOSSLServerHandler { NIOSSLServerHandler(context: state.withLock(\.context)) }
}

// MARK: - Reading

extension ServerTLS {
    private static func state(of material: TLSMaterial) throws(TLSFault) -> State {
        let chain = try certificates(material.certificateChain, "certificate")
        guard let leaf = chain.first else { throw TLSFault("The TLS certificate's file holds no certificate.") }
        let key: NIOSSLPrivateKey
        do {
            key = try NIOSSLPrivateKey(bytes: material.privateKey, format: .pem)
        } catch {
            throw TLSFault("The TLS key is no private key in PEM.")
        }
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))
        configuration.minimumTLSVersion = .tlsv12
        configuration.applicationProtocols = ["http/1.1"]
        if let authorities = material.workerAuthorities {
            let roots = try certificates(authorities, "workers' CA")
            guard !roots.isEmpty else { throw TLSFault("The TLS workers' CA's file holds no certificate.") }
            configuration.trustRoots = .certificates(roots)
            // Operators come to the same port and have none.
            configuration.certificateVerification = .optionalVerification
            configuration.sendCANameList = true
        }
        do {
            return State(
                context: try NIOSSLContext(configuration: configuration),
                expiry: Timestamp(seconds: Int64(leaf.notValidAfter)))
        } catch {
            throw TLSFault("The TLS key does not belong to the certificate.")
        }
    }

    private static func certificates(_ pem: [UInt8], _ what: String) throws(TLSFault) -> [NIOSSLCertificate] {
        do {
            return try NIOSSLCertificate.fromPEMBytes(pem)
        } catch {
            throw TLSFault("The TLS \(what) is no certificate in PEM.")
        }
    }
}
