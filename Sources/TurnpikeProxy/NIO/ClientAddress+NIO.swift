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
        let text = address?.ipAddress ?? ""
        var v4 = in_addr()
        var v6 = in6_addr()
        if inet_pton(AF_INET, text, &v4) == 1 {
            self.init(v4)
        } else if inet_pton(AF_INET6, text, &v6) == 1 {
            self.init(v6)
        } else {
            self = .unknown
        }
    }
}
