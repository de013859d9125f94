// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel

/// How much one event loop takes for a service; `.max` where there is no bound.
struct LoadLimits: Sendable, Hashable {
    let connections: Int
    let pendingRequests: Int
    let requests: Int
    let retries: Int

    init(_ breakers: CircuitBreakers?) {
        connections = breakers?.maxConnections ?? .max
        pendingRequests = breakers?.maxPendingRequests ?? .max
        requests = breakers?.maxRequests ?? .max
        retries = breakers?.maxRetries ?? .max
    }
}
