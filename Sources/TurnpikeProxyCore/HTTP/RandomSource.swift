// SPDX-License-Identifier: Apache-2.0

/// Fast random numbers (xoshiro256**, by Blackman and Vigna) for ids that must be distinct but may be guessed.
///
/// One per event loop: the system's generator costs a system call a draw. Never for secrets. The same seed gives the
/// same numbers, which is what tests want; different loops need different seeds.
public struct RandomSource: RandomNumberGenerator, Sendable {
    private var state: (UInt64, UInt64, UInt64, UInt64)

    public init(seed: UInt64) {
        // SplitMix64 spreads one word over the state, which must not be all zero and so never is.
        var word = seed
        func spread() -> UInt64 {
            word &+= 0x9E37_79B9_7F4A_7C15
            var mixed = word
            mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
            mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
            return mixed ^ (mixed >> 31)
        }
        state = (spread(), spread(), spread(), spread())
    }

    public mutating func next() -> UInt64 {
        let result = Self.rotate(state.1 &* 5, by: 7) &* 9
        let shifted = state.1 << 17
        state.2 ^= state.0
        state.3 ^= state.1
        state.1 ^= state.2
        state.0 ^= state.3
        state.2 ^= shifted
        state.3 = Self.rotate(state.3, by: 45)
        return result
    }

    /// - Parameter bits: 1 to 63.
    @inline(__always)
    private static func rotate(_ word: UInt64, by bits: UInt64) -> UInt64 { word &<< bits | word &>> (64 &- bits) }
}
