// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel

/// How much of the control plane one tenant may take, so that the others do not feel it.
public struct TenantLimits: Sendable, Hashable {
    /// Resources of all kinds together. Default 200,000.
    public var resources = 200_000
    /// Requests a second by tokens that are bound to the tenant, all together. Default 100, twice that at once.
    public var requestsPerSecond = 100
    /// Items of one bundle by such a token: a bundle is checked as a whole, while all other writes wait. Default 10,000.
    public var bundleItems = 10_000
    /// Bytes of one bundle by such a token, judged before it is read. Default 8 MiB.
    public var bundleBytes = 8 << 20
    /// Feeds of the log that such tokens may have open at the same time, all together. Default 50.
    public var feeds = 50

    public init() {}
}

/// The requests of tenants' own operators, held to their rate: the generic cell rate algorithm (ITU-T I.371) by tenant.
struct TenantRates: Sendable {
    /// Nanoseconds since 1970: a timestamp's milliseconds are too coarse for high rates.
    private var arrivals: [String: Int64] = [:]

    /// Takes one request into account.
    ///
    /// - Returns: how long to wait where it is one too many; `nil` where it is not.
    mutating func admit(_ tenant: String, _ limits: TenantLimits, at now: Timestamp) -> Duration? {
        let (now, rate) = (now.milliseconds * 1_000_000, Int64(max(1, limits.requestsPerSecond)))
        let interval = 1_000_000_000 / rate
        // Farther ahead than a burst leads it lies only where the clock has gone back.
        let farthest = now + interval * 2 * rate
        let arrival = min(max(arrivals[tenant] ?? now, now), farthest)
        arrivals[tenant] = arrival
        let excess = arrival - now - interval * (2 * rate - 1)
        guard excess <= 0 else { return .nanoseconds(excess) }
        arrivals[tenant] = arrival + interval
        return nil
    }
}
