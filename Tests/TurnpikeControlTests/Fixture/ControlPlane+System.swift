// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel

@testable import TurnpikeControl

/// What tests ask for without an operator, they ask for as the system itself.
extension ControlPlane {
    func resource(_ kind: Kind, tenant: String?, name: String) throws(TurnpikeError) -> Resource {
        try resource(kind, tenant: tenant, name: name, for: .system)
    }

    func list(_ kind: Kind, tenant: String?, _ query: ListQuery) throws(TurnpikeError) -> ResourcePage {
        try list(kind, tenant: tenant, query, for: .system)
    }

    func rollout(of revision: Revision) throws(TurnpikeError) -> Rollout { try rollout(of: revision, for: .system) }

    func rollout(of revision: Revision, timeout: Duration) async throws(TurnpikeError) -> Rollout {
        try await rollout(of: revision, timeout: timeout, for: .system)
    }

    func record(_ revision: Revision) async throws(TurnpikeError) -> RevisionRecord {
        try await record(revision, for: .system)
    }

    func usage(_ request: UsageReportRequest) async throws(TurnpikeError) -> UsageReport {
        try await usage(request, for: .system)
    }

    func quotaState(tenant: String, quota: String, key: String?) async throws(TurnpikeError) -> QuotaState {
        try await quotaState(tenant: tenant, quota: quota, key: key, for: .system)
    }
}
