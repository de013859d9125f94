// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials

/// Where the control plane is: `http` or `https`, a host, and a port where it is not the scheme's.
public struct ControlPlaneAddress: Sendable, Hashable, CustomStringConvertible {
    /// Without a slash at the end.
    public let description: String

    /// Whether it is spoken to over TLS.
    var isSecure: Bool { description.hasPrefix("https:") }

    /// `nil` where the text has another scheme, a path, a query or credentials, or no host.
    public init?(_ text: String) {
        let base = text.hasSuffix("/") ? String(text.dropLast()) : text
        guard let url = URL(string: base), let scheme = url.scheme, ["http", "https"].contains(scheme),
            let host = url.host(), !host.isEmpty, url.path().isEmpty, url.query() == nil, url.fragment() == nil,
            url.user() == nil, url.password() == nil
        else { return nil }
        description = base
    }
}
