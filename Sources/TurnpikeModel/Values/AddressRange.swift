// SPDX-License-Identifier: Apache-2.0

/// An IP address as bits: an IPv4 address in the lowest 32.
public struct IPAddress: Sendable, Hashable {
    public enum Family: UInt8, Sendable {
        case v4, v6

        /// Bits of an address.
        public var width: Int { self == .v4 ? 32 : 128 }
    }

    public let family: Family
    public let high: UInt64
    public let low: UInt64

    public init(_ family: Family, high: UInt64, low: UInt64) {
        self.family = family
        self.high = high
        self.low = low
    }

    /// Reads `192.0.2.7` or, by RFC 4291 §2.2 without a zone, `2001:db8::7`.
    public init?(_ text: some StringProtocol) {
        let text = String(text)
        if let bits = IPAddress.bits(dotted: text) {
            self.init(.v4, high: 0, low: UInt64(bits))
            return
        }
        let lowered = text.lowercased()
        guard lowered.contains(":"), Host.isValidAddress(lowered) else { return nil }
        let halves = lowered.split(separator: "::", maxSplits: 1, omittingEmptySubsequences: false)
        var groups = IPAddress.groups(of: halves[0])
        if halves.count == 2 {
            let rest = IPAddress.groups(of: halves[1])
            groups += [UInt64](repeating: 0, count: max(8 - groups.count - rest.count, 0)) + rest
        }
        guard groups.count == 8 else { return nil }
        func word(_ groups: ArraySlice<UInt64>) -> UInt64 { groups.reduce(0) { $0 << 16 | $1 } }
        self.init(.v6, high: word(groups[..<4]), low: word(groups[4...]))
    }

    private static func bits(dotted text: some StringProtocol) -> UInt32? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var bits: UInt32 = 0
        for part in parts {
            guard let number = UInt8(part), String(number) == part else { return nil }
            bits = bits << 8 | UInt32(number)
        }
        return bits
    }

    /// The 16-bit groups that the text, which is known to be well formed, stands for.
    private static func groups(of text: Substring) -> [UInt64] {
        text.split(separator: ":").flatMap { group -> [UInt64] in
            if let word = bits(dotted: group) { return [UInt64(word >> 16), UInt64(word & 0xFFFF)] }
            return [UInt64(group, radix: 16) ?? 0]
        }
    }
}

/// Addresses that begin with the same bits, such as `10.0.0.0/8` (RFC 4632, RFC 4291 §2.3).
public struct AddressRange: Sendable, Hashable, CustomStringConvertible {
    public let address: IPAddress
    /// Bits that count: 0 to 32 or 128.
    public let length: Int

    /// Reads `10.0.0.0/8`, `2001:db8::/32`, or a single address. Bits behind the prefix must be zero, since one who set
    /// them meant another range.
    public init?(_ text: String) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let address = IPAddress(parts[0]) else { return nil }
        var length = address.family.width
        if parts.count == 2 {
            guard let number = Int(parts[1]), String(number) == parts[1], (0...length).contains(number) else {
                return nil
            }
            length = number
        }
        self.address = address
        self.length = length
        let mask = AddressRange.mask(address.family, length)
        guard address.high & mask.high == address.high, address.low & mask.low == address.low else { return nil }
    }

    public func contains(_ other: IPAddress) -> Bool {
        guard other.family == address.family else { return false }
        let mask = AddressRange.mask(address.family, length)
        return other.high & mask.high == address.high && other.low & mask.low == address.low
    }

    private static func mask(_ family: IPAddress.Family, _ length: Int) -> (high: UInt64, low: UInt64) {
        func leading(_ count: Int) -> UInt64 { count <= 0 ? 0 : UInt64.max << UInt64(64 - min(count, 64)) }
        return family == .v4 ? (0, leading(32 + length) & 0xFFFF_FFFF) : (leading(length), leading(length - 64))
    }

    public var description: String {
        func groups(_ word: UInt64) -> [String] {
            (0..<4).map { String(word >> UInt64(48 - 16 * $0) & 0xFFFF, radix: 16) }
        }
        let text =
            address.family == .v4
            ? (0..<4).map { String(address.low >> UInt64(24 - 8 * $0) & 0xFF) }.joined(separator: ".")
            : (groups(address.high) + groups(address.low)).joined(separator: ":")
        return "\(text)/\(length)"
    }
}
