// SPDX-License-Identifier: Apache-2.0

extension AddressRange {
    /// What is wrong with a list of trusted proxies, in a sentence.
    public struct ListFault: Error, Sendable {
        public var reason: String
    }

    /// Trusted proxies that a server may be told of: they are asked one after the other.
    public static let mostProxies = 256

    /// Reads trusted proxies, addresses and ranges with commas between them: `10.0.0.0/8, 2001:db8::7`.
    public static func proxies(_ text: String) throws(ListFault) -> [AddressRange] {
        var ranges: [AddressRange] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let part = String(part.drop { $0.isWhitespace }.reversed().drop { $0.isWhitespace }.reversed())
            guard let range = AddressRange(part) else {
                throw ListFault(
                    reason: """
                        '\(part)' is no trusted proxy; it must be an address or a range of them, such as 10.0.0.1, 10.0.0.0/8 or \
                        2001:db8::/32, with no bits behind the prefix.
                        """)
            }
            ranges.append(range)
        }
        guard ranges.count <= mostProxies else {
            throw ListFault(
                reason: "\(ranges.count) trusted proxies are too many; there may be \(mostProxies) ranges of them.")
        }
        return ranges
    }
}
