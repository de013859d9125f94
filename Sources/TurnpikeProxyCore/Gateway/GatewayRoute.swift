// SPDX-License-Identifier: Apache-2.0

public import TurnpikeModel

/// A route with all that its requests are decided by, resolved when the configuration is made. Immutable, and a class so
/// that a request holds on to its route for the price of one reference.
public final class GatewayRoute: Sendable {
    struct Backend: Sendable {
        /// Place in the configuration's clusters.
        let cluster: Int
        let weight: Int
    }

    /// Place in the configuration.
    public let index: Int
    public let tenant: String
    public let name: String
    public let id: ResourceID
    public let tenantID: ResourceID
    let requiresKey: Bool
    let backends: [Backend]
    let rateLimits: [GatewayRateLimit]
    let quotas: [GatewayQuota]

    init(
        index: Int, tenant: String, name: String, id: ResourceID, tenantID: ResourceID, requiresKey: Bool,
        backends: [Backend], rateLimits: [GatewayRateLimit], quotas: [GatewayQuota]
    ) {
        self.index = index
        self.tenant = tenant
        self.name = name
        self.id = id
        self.tenantID = tenantID
        self.requiresKey = requiresKey
        self.backends = backends
        self.rateLimits = rateLimits
        self.quotas = quotas
    }
}

struct GatewayRateLimit: Sendable {
    let id: ResourceID
    let name: String
    let per: RateLimit.Subject
    let rate: GCRA
    let limit: UInt64
    let windowSeconds: UInt64
}

struct GatewayQuota: Sendable {
    let name: String
    let rule: QuotaRule
    let per: Quota.Subject
    let limit: UInt64
}

struct GatewayCluster: Sendable {
    let tenant: String
    let name: String
    let addresses: [EndpointAddress]
    let weights: [Int]
    /// Nanoseconds.
    let connectTimeout: UInt64
    /// Nanoseconds from the end of the request to the answer's head, and between two pieces of its content.
    let responseTimeout: UInt64
}
