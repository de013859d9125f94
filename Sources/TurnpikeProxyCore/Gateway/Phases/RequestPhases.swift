// SPDX-License-Identifier: Apache-2.0

import TurnpikeSnapshot

/// A set of phases, one bit each, so that a request finds its next phase by its lowest bit and pays nothing for those that
/// its route does without.
struct RequestPhases: Sendable, Hashable {
    private var bits: UInt8

    private init(where isTaken: (RequestPhase) -> Bool) {
        bits = 0
        for phase in RequestPhase.allCases where isTaken(phase) { bits |= 1 << phase.rawValue }
    }

    /// What the route's requests take once it is found, but for those that its limits ask for.
    init(of route: CompiledRoute) {
        self.init { phase in
            switch phase {
            case .match, .rateLimit, .quota: false
            case .account, .forward: true
            case .apiKey: route.requiresKey
            case .maxContentBytes: route.maxContentBytes != nil
            }
        }
    }

    /// What limits ask for.
    init(ofRateLimits hasRateLimits: Bool, quotas hasQuotas: Bool) {
        self.init { $0 == .rateLimit && hasRateLimits || $0 == .quota && hasQuotas }
    }

    @inline(__always)
    mutating func formUnion(_ other: RequestPhases) { bits |= other.bits }

    /// Takes the first phase out, in the order of the cases; nil where none is left.
    mutating func popFirst() -> RequestPhase? {
        // Of no bits at all, the count is one that stands for no phase.
        guard let first = RequestPhase(rawValue: UInt8(truncatingIfNeeded: bits.trailingZeroBitCount)) else {
            return nil
        }
        bits &= bits &- 1
        return first
    }
}
