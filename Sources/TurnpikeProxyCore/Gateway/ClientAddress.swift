// SPDX-License-Identifier: Apache-2.0

public import TurnpikeModel

/// Whom a connection, or a request that a trusted proxy has passed on, comes from.
public struct ClientAddress: Sendable, Hashable {
    /// As it stands in `X-Forwarded-For`: without port, IPv6 without brackets.
    public let text: [UInt8]
    /// Whom a rate limit by address counts: an IPv4 address, or the /64 of an IPv6 address, since whoever has one address
    /// of it has them all.
    public let subject: ResourceID
    /// Nil where it is not known.
    public let ip: IPAddress?

    /// - Parameter bytes: 4 or 16, most significant first.
    public init(text: String, bytes: [UInt8]) {
        self.text = Array(text.utf8)
        func word(_ bytes: ArraySlice<UInt8>) -> UInt64 { bytes.reduce(0) { $0 << 8 | UInt64($1) } }
        if bytes.count == 16 {
            subject = ResourceID(high: 6, low: word(bytes[..<8]))
            ip = IPAddress(.v6, high: word(bytes[..<8]), low: word(bytes[8...]))
        } else {
            subject = ResourceID(high: 4, low: word(bytes.prefix(4)))
            ip = bytes.count == 4 ? IPAddress(.v4, high: 0, low: word(bytes[...])) : nil
        }
    }

    public init(_ address: IPAddress) {
        // Eight groups of four digits with a colon between each two.
        text = [UInt8](capacity: 39) { $0.append(address: address) } ?? []
        subject = ResourceID(
            high: address.family == .v4 ? 4 : 6, low: address.family == .v4 ? address.low : address.high)
        ip = address
    }

    /// Where the address is not known, such as on a local socket: all of these share one subject.
    public static let unknown = ClientAddress(text: "unknown", bytes: [])
}
