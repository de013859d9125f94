// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel

extension ByteWriter {
    /// An address as RFC 5952 §4 recommends, without brackets: 39 bytes at most.
    mutating func append(address: IPAddress) {
        switch address.family {
        case .v4:
            for place in 0..<4 {
                if place > 0 { append(ASCII.dot) }
                append(decimal: address.low >> UInt64(24 - 8 * place) & 0xFF)
            }
        case .v6: append(groupsOf: address)
        }
    }

    private mutating func append(groupsOf address: IPAddress) {
        func group(_ place: Int) -> UInt64 {
            (place < 4 ? address.high : address.low) >> UInt64(48 - 16 * (place & 3)) & 0xFFFF
        }
        let zeros = longestRun { group($0) == 0 }
        var place = 0
        while place < 8 {
            if place == zeros.lowerBound {
                append("::")
                place = zeros.upperBound
                continue
            }
            if place > 0, place != zeros.upperBound { append(ASCII.colon) }
            append(hex: group(place), digits: max(1, 16 - group(place).leadingZeroBitCount / 4))
            place += 1
        }
    }

    /// The first of the longest runs of two or more of eight places; without one, it lies behind them.
    private func longestRun(_ isPart: (Int) -> Bool) -> Range<Int> {
        var (run, longest) = (0..<0, 8..<8)
        for place in 0..<8 {
            run = isPart(place) ? (run.isEmpty ? place : run.lowerBound)..<place + 1 : 0..<0
            if run.count > max(longest.count, 1) { longest = run }
        }
        return longest
    }
}
