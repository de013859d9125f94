// SPDX-License-Identifier: Apache-2.0

public import TurnpikeModel

/// The proxies whose word about their clients is believed, by their addresses.
public struct TrustedProxies: Sendable, Hashable {
    /// Ranges are asked one after the other, for each address that is looked at.
    public static let mostRanges = AddressRange.mostProxies

    private let ranges: [AddressRange]

    /// Nil where there are no ranges, or more than ``mostRanges``.
    public init?(_ ranges: [AddressRange]) {
        guard (1...Self.mostRanges).contains(ranges.count) else { return nil }
        self.ranges = ranges
    }

    /// - Parameter address: an IPv4 address as such, also where it came in IPv6 (``IPAddress/unmapped``).
    func contains(_ address: IPAddress) -> Bool {
        for range in ranges where range.contains(address) { return true }
        return false
    }
}
