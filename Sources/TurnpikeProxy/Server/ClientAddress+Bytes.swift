// SPDX-License-Identifier: Apache-2.0

import TurnpikeProxyCore

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

extension ClientAddress {
    init(_ address: in_addr) {
        let bytes = withUnsafeBytes(of: address) { Array($0) }
        self.init(text: bytes.map(String.init).joined(separator: "."), bytes: bytes)
    }

    init(_ address: in6_addr) {
        let bytes = withUnsafeBytes(of: address) { Array($0) }
        // On a listener for both, an IPv4 peer comes as ::ffff:192.0.2.1 (RFC 4291 §2.5.5.2).
        if bytes[..<10].allSatisfy({ $0 == 0 }), bytes[10] == 0xFF, bytes[11] == 0xFF {
            self.init(text: bytes[12...].map(String.init).joined(separator: "."), bytes: Array(bytes[12...]))
            return
        }
        var address = address
        let text = withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(INET6_ADDRSTRLEN)) { buffer in
            inet_ntop(AF_INET6, &address, buffer.baseAddress, socklen_t(buffer.count)).map { String(cString: $0) }
        }
        self = text.map { ClientAddress(text: $0, bytes: bytes) } ?? .unknown
    }
}
