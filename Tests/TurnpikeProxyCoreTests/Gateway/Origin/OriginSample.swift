// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel

@testable import TurnpikeProxyCore

/// A connection from a proxy, and what is made of the requests that come on it.
enum OriginSample {
    /// The proxies trusted: 10.0.0.0/8, 192.0.2.1, and 2001:db8:a::/48.
    static let proxies = TrustedProxies(["10.0.0.0/8", "192.0.2.1", "2001:db8:a::/48"].compactMap { AddressRange($0) })

    static func client(_ text: String) -> ClientAddress {
        IPAddress(text).map { ClientAddress($0) } ?? .unknown
    }

    static func origin(
        of fields: [String], from peer: String = "10.0.0.1", over scheme: RequestForwarding.Scheme = .http
    ) -> RequestOrigin {
        var origin = RequestOrigin(peer: client(peer), over: scheme)
        let lines = fields.map { "\($0)\r\n" }.joined()
        let request = ParsedRequest("GET / HTTP/1.1\r\nHost: a.test\r\n\(lines)\r\n")
        guard let proxies else { return origin }
        request.bytes.withUnsafeBytes { origin.find(request.head, $0, trusting: proxies) }
        return origin
    }

    /// Whom a request comes from.
    static func found(_ fields: String..., from peer: String = "10.0.0.1") -> String {
        String(decoding: origin(of: fields, from: peer).client.text, as: UTF8.self)
    }
}
