// SPDX-License-Identifier: Apache-2.0

import Synchronization
import TurnpikeModel

/// Feeds of the log that are open at the same time: each holds a connection, and reads whenever something is written.
final class FeedPlaces: Sendable {
    /// All tenants' and the platform's together.
    static let most = 1000

    /// One open feed's; given back when it goes.
    final class Place: Sendable {
        private let places: FeedPlaces
        private let tenant: String?

        fileprivate init(_ places: FeedPlaces, tenant: String?) {
            self.places = places
            self.tenant = tenant
        }

        deinit { places.giveBack(tenant) }
    }

    private struct State {
        var count = 0
        var byTenant: [String: Int] = [:]
    }

    private let state = Mutex(State())
    private let most: Int

    init(most: Int = most) { self.most = most }

    var count: Int { state.withLock(\.count) }

    /// - Parameters:
    ///   - tenant: the one that the asking operator is bound to; `nil`: the platform's.
    ///   - tenantLimit: feeds of one tenant's own operators.
    /// - Throws: `rateLimited` where the tenant has too many open, `overloaded` where all have.
    func take(for tenant: String?, tenantLimit: Int) throws(TurnpikeError) -> Place {
        let refusal: TurnpikeError? = state.withLock { state in
            if let tenant, state.byTenant[tenant, default: 0] >= tenantLimit {
                return TurnpikeError(
                    .rateLimited, "The tenant's operators may follow the log \(tenantLimit) times at once.",
                    retryAfter: .seconds(1))
            }
            // A tenth is the platform's alone, lest tenants together keep it from its own log.
            guard state.count < (tenant == nil ? most : most - most / 10) else {
                return TurnpikeError(.overloaded, "Too many follow the log already.", retryAfter: .seconds(1))
            }
            state.count += 1
            if let tenant { state.byTenant[tenant, default: 0] += 1 }
            return nil
        }
        if let refusal { throw refusal }
        return Place(self, tenant: tenant)
    }

    private func giveBack(_ tenant: String?) {
        state.withLock { state in
            state.count -= 1
            guard let tenant, let count = state.byTenant[tenant] else { return }
            state.byTenant[tenant] = count == 1 ? nil : count - 1
        }
    }
}
