// SPDX-License-Identifier: Apache-2.0

import NIOCore
import TurnpikeProxyCore

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

extension ClientAddress {
    /// - Parameter address: of the peer; a local socket's has no text.
    init(_ address: SocketAddress?) {
        guard let text = address?.ipAddress else {
            self = .unknown
            return
        }
        var v4 = in_addr()
        var v6 = in6_addr()
        if inet_pton(AF_INET, text, &v4) == 1 {
            self.init(text: text, bytes: withUnsafeBytes(of: v4) { Array($0) })
        } else if inet_pton(AF_INET6, text, &v6) == 1 {
            let bytes = withUnsafeBytes(of: v6) { Array($0) }
            // On a listener for both, an IPv4 peer comes as ::ffff:192.0.2.1 (RFC 4291 §2.5.5.2).
            let isMapped = bytes[..<10].allSatisfy { $0 == 0 } && bytes[10] == 0xFF && bytes[11] == 0xFF
            if isMapped {
                let dotted = bytes[12...].map(String.init).joined(separator: ".")
                self.init(text: dotted, bytes: Array(bytes[12...]))
            } else {
                self.init(text: text, bytes: bytes)
            }
        } else {
            self = .unknown
        }
    }
}
