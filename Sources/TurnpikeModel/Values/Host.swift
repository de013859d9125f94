// SPDX-License-Identifier: Apache-2.0

/// Host names as routes match them and endpoints are reached by (RFC 1123 labels), always lower case.
public enum Host {
    /// A DNS name or an IP address, without port.
    public static func isValidAddress(_ host: String) -> Bool {
        isValidName(host) || (host.contains(":") && host.utf8.allSatisfy { isHexDigit($0) || $0 == 0x3A || $0 == 0x2E })
    }

    /// What a route may match: a name, or `*.` before one.
    public static func isValidPattern(_ host: String) -> Bool {
        isValidName(host.hasPrefix("*.") ? String(host.dropFirst(2)) : host)
    }

    private static func isValidName(_ host: String) -> Bool {
        guard (1...253).contains(host.utf8.count) else { return false }
        return host.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { label in
            (1...63).contains(label.utf8.count) && label.utf8.first != 0x2D && label.utf8.last != 0x2D
                && label.utf8.allSatisfy { isLowercaseAlphanumeric($0) || $0 == 0x2D || $0 == 0x5F }
        }
    }

    private static func isLowercaseAlphanumeric(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte)
    }

    private static func isHexDigit(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte) || (0x41...0x46).contains(byte)
    }
}
