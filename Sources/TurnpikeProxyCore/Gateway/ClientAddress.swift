// SPDX-License-Identifier: Apache-2.0

public import TurnpikeModel

/// Whom a connection comes from.
public struct ClientAddress: Sendable, Hashable {
    /// As it stands in `X-Forwarded-For`: without port, IPv6 without brackets.
    public let text: [UInt8]
    /// Whom a rate limit by address counts: an IPv4 address, or the /64 of an IPv6 address, since whoever has one address
    /// of it has them all.
    public let subject: ResourceID

    /// - Parameter bytes: 4 or 16, most significant first.
    public init(text: String, bytes: [UInt8]) {
        self.text = Array(text.utf8)
        func word(_ bytes: ArraySlice<UInt8>) -> UInt64 { bytes.reduce(0) { $0 << 8 | UInt64($1) } }
        subject =
            bytes.count == 16
            ? ResourceID(high: 6, low: word(bytes[..<8])) : ResourceID(high: 4, low: word(bytes.prefix(4)))
    }

    /// Where the address is not known, such as on a local socket: all of these share one subject.
    public static let unknown = ClientAddress(text: "unknown", bytes: [0, 0, 0, 0])
}
