// SPDX-License-Identifier: Apache-2.0

public import TurnpikeModel
import TurnpikeProxyCore

/// Where requests come from: from the peers of their connections, or from whoever is behind those, where they are trusted
/// proxies. The audit names it, and who fails to log in is slowed down by it. Found by the very code that gateways run.
public struct RequestSources: Sendable {
    private let proxies: TrustedProxies?

    /// - Parameter proxies: whose word about their clients is believed, at most ``AddressRange/mostProxies``.
    public init(trusting proxies: [AddressRange] = []) { self.proxies = TrustedProxies(proxies) }

    /// - Parameters:
    ///   - peer: whom the connection comes from; empty where that is not known.
    ///   - forwardedFor: the values of `X-Forwarded-For`, in their order; `forwarded`, those of `Forwarded`. Asked for only where
    ///     the peer may be trusted.
    public func address(
        peer: String, forwardedFor: @autoclosure () -> [String], forwarded: @autoclosure () -> [String]
    ) -> String {
        guard let proxies, let address = IPAddress(peer) else { return peer }
        return proxies.client(behind: address, forwardedFor: forwardedFor(), forwarded: forwarded()) ?? peer
    }
}
