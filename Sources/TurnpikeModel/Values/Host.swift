// SPDX-License-Identifier: Apache-2.0

/// Host names as routes match them and endpoints are reached by (RFC 1123 labels), always lower case.
public enum Host {
    /// A DNS name or an IP address, without port.
    public static func isValidAddress(_ host: String) -> Bool {
        isValidName(host) || isNumeric(host)
    }

    /// An IP address, which leads somewhere without being looked up.
    public static func isNumeric(_ host: String) -> Bool { IPAddress(host) != nil }

    /// A name or an IPv4 address, with or without a port from 1 on, as a `Host` field has it.
    static func isAuthority(_ text: String) -> Bool {
        if isValidAddress(text) { return !text.contains(":") }
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        return parts.count == 2 && isValidAddress(String(parts[0]))
            && UInt16(parts[1]).map { $0 > 0 && String($0) == parts[1] } == true
    }

    /// What a route may match: a name, or `*.` before one.
    public static func isValidPattern(_ host: String) -> Bool {
        isValidName(host.hasPrefix("*.") ? String(host.dropFirst(2)) : host)
    }

    /// What follows a host's first label, under which a wildcard covers it; `nil` for a wildcard, and where there is but one
    /// label.
    public static func parent(of host: String) -> String? {
        guard !host.hasPrefix("*."), let dot = host.firstIndex(of: ".") else { return nil }
        return String(host[host.index(after: dot)...])
    }

    /// A DNS name. An IPv4 address looks like one.
    public static func isValidName(_ host: String) -> Bool {
        guard (1...253).contains(host.utf8.count) else { return false }
        return host.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).allSatisfy { label in
            (1...63).contains(label.count) && label.first != 0x2D && label.last != 0x2D
                && label.allSatisfy { isLowercaseAlphanumeric($0) || $0 == 0x2D || $0 == 0x5F }
        }
    }

    private static func isLowercaseAlphanumeric(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte)
    }
}
