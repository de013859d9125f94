// SPDX-License-Identifier: Apache-2.0

public import TurnpikeModel
import TurnpikeSnapshot

/// A route with all that its requests are decided by, resolved when the configuration is made. Immutable, and a class so
/// that a request holds on to its route for the price of one reference.
public final class GatewayRoute: Sendable {
    struct Backend: Sendable {
        let cluster: GatewayCluster
        let weight: Int
    }

    /// Place among the tenant's routes.
    public let index: Int
    public let tenant: String
    public let name: String
    public let id: ResourceID
    public let tenantID: ResourceID
    /// The path that it matches, as it is written there; nil where there are several.
    public let path: String?
    /// That its requests take once it is found.
    let phases: RequestPhases
    /// Bytes of content that a request may have. Nil: as many as the gateway takes.
    let maxContentBytes: UInt64?
    let backends: [Backend]
    let rateLimits: [GatewayRateLimit]
    let quotas: [GatewayQuota]
    /// In place of forwarding.
    let answer: GatewayAnswer?
    let rewrite: GatewayRewrite?
    let stickiness: GatewayStickiness?
    let mirrors: [GatewayMirror]
    let upgrades: GatewayUpgrades?
    let requestEdits: FieldEdits?
    let responseEdits: FieldEdits?

    init(
        index: Int, tenant: String, name: String, id: ResourceID, tenantID: ResourceID, path: String?,
        phases: RequestPhases, maxContentBytes: UInt64?,
        backends: [Backend], rateLimits: [GatewayRateLimit], quotas: [GatewayQuota], answer: GatewayAnswer?,
        rewrite: GatewayRewrite?, stickiness: GatewayStickiness?, mirrors: [GatewayMirror], upgrades: GatewayUpgrades?,
        requestEdits: FieldEdits?, responseEdits: FieldEdits?
    ) {
        self.index = index
        self.tenant = tenant
        self.name = name
        self.id = id
        self.tenantID = tenantID
        self.path = path
        self.phases = phases
        self.maxContentBytes = maxContentBytes
        self.backends = backends
        self.rateLimits = rateLimits
        self.quotas = quotas
        self.answer = answer
        self.rewrite = rewrite
        self.stickiness = stickiness
        self.mirrors = mirrors
        self.upgrades = upgrades
        self.requestEdits = requestEdits
        self.responseEdits = responseEdits
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
