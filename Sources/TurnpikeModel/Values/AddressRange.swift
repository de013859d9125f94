// SPDX-License-Identifier: Apache-2.0

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
