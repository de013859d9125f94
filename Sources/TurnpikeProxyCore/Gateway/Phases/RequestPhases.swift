// SPDX-License-Identifier: Apache-2.0

import TurnpikeSnapshot

/// A set of phases, one bit each, so that a request finds its next phase by its lowest bit and pays nothing for those that
/// its route does without.
struct RequestPhases: Sendable, Hashable {
    private var bits: UInt8

    /// What the route's requests take once it is found.
    init(of route: CompiledRoute, limits: RouteLimits) {
        bits = 0
        for phase in RequestPhase.allCases where phase.concerns(route, limits) { bits |= 1 << phase.rawValue }
    }

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

extension RequestPhase {
    fileprivate func concerns(_ route: CompiledRoute, _ limits: RouteLimits) -> Bool {
        switch self {
        case .match: false
        case .account, .forward: true
        case .apiKey: route.requiresKey
        case .maxContentBytes: route.maxContentBytes != nil
        case .rateLimit: !limits.rateLimits.isEmpty
        case .quota: !limits.quotas.isEmpty
        }
    }
}
