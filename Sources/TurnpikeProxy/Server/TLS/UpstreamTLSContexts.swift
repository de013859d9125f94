// SPDX-License-Identifier: Apache-2.0

import NIOPosix
import Synchronization
import TurnpikeModel
import TurnpikeProxyCore

/// One library's contexts for TLS towards upstreams, by what services say of it. Safe from any thread.
///
/// A context is made off the event loops, since reading the system's authorities takes a while, and once, unless the certificate
/// that it shows is renewed. The name that an upstream has to prove is no part of it, but of each handshake.
final class UpstreamTLSContexts<Context: Sendable>: Sendable {
    private struct Made: Sendable {
        let context: Context
        /// What it shows.
        let certificate: ReadyClientCertificate?
    }

    private let most = 1024
    private let known = Mutex<[UpstreamWire: Made]>([:])
    private let make: @Sendable (UpstreamWire, ReadyClientCertificate?) throws -> Context

    /// - Parameter make: makes a context that shows this certificate.
    init(_ make: @escaping @Sendable (UpstreamWire, ReadyClientCertificate?) throws -> Context) { self.make = make }

    /// - Parameter whenMade: called from another thread where nil is returned; else never.
    /// - Returns: nil where it is to be made first.
    /// - Throws: where the wire names a certificate that is not there.
    func context(
        for wire: UpstreamWire, showing certificates: ClientCertificates,
        whenMade: @escaping @Sendable (Result<Context, any Error>) -> Void
    ) throws(NoClientCertificate) -> Context? {
        var certificate: ReadyClientCertificate?
        if let name = wire.clientCertificate { certificate = try certificates.named(name) }
        let (wire, shown) = (wire.forAnyName, certificate)
        if let known = known.withLock({ $0[wire] }), known.certificate === shown { return known.context }
        NIOThreadPool.singleton.submit { state in
            whenMade(
                Result {
                    guard case .active = state else { throw CancellationError() }
                    return try self.make(wire, showing: shown)
                })
        }
        return nil
    }

    private func make(_ wire: UpstreamWire, showing certificate: ReadyClientCertificate?) throws -> Context {
        let made = try make(wire, certificate)
        known.withLock { known in
            // Services come and go; what is made anew costs a moment, and what is kept for nobody costs for ever.
            if known.count >= most { known.removeAll() }
            known[wire] = Made(context: made, certificate: certificate)
        }
        return made
    }
}

extension UpstreamWire {
    fileprivate var forAnyName: UpstreamWire {
        guard var tls, tls.serverName != nil else { return self }
        tls.serverName = nil
        return UpstreamWire(speaksHTTP2: speaksHTTP2, tls: tls, tenant: clientCertificate?.tenant ?? "")
    }
}
