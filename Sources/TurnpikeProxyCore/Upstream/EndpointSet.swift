// SPDX-License-Identifier: Apache-2.0

/// Some of a service's endpoints, by their places, in four words: a service has at most 256.
struct EndpointSet: Sendable, Hashable {
    private var words = SIMD4<UInt64>()

    var isEmpty: Bool { words == SIMD4() }

    func isDisjoint(with other: EndpointSet) -> Bool { words & other.words == SIMD4() }

    func contains(_ place: Int) -> Bool {
        place < 256 && words[place >> 6] & (1 << UInt64(place & 63)) != 0
    }

    mutating func insert(_ place: Int) {
        if place < 256 { words[place >> 6] |= 1 << UInt64(place & 63) }
    }
}
