// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel

/// The question which resources are not as the log has left them.
enum LogComparison {
    /// At most five, as `kind tenant/name`, or `kind name` where the kind has no tenant.
    static let sql = """
        WITH
            -- A change names the tenant that it is about, which for kinds without tenant is no part of the key.
            last AS MATERIALIZED (
                SELECT kind, CASE WHEN kind IN (\(tenantKinds)) THEN tenant ELSE '' END AS owner, name,
                    max(revision) AS revision, position -- of that revision: SQLite takes it from the maximum's row
                FROM change GROUP BY 1, 2, 3),
            held AS MATERIALIZED (
                SELECT resource.id, resource.kind, coalesce(tenant.name, '') AS owner, resource.name
                FROM resource LEFT JOIN resource AS tenant ON tenant.id = resource.tenant_id)
        SELECT kind || ' ' || CASE owner WHEN '' THEN name ELSE owner || '/' || name END FROM (
            -- Changed behind the log's back, or gone, or back again.
            SELECT last.kind, last.owner, last.name FROM last
            JOIN change ON change.revision = last.revision AND change.position = last.position
            LEFT JOIN held ON held.kind = last.kind AND held.owner = last.owner AND held.name = last.name
            LEFT JOIN resource ON resource.id = held.id
            WHERE resource.document IS NOT change.after
                OR (change.after IS NOT NULL AND resource.revision <> last.revision)
            UNION ALL
            -- Never written, though the log reaches back to where it says that it was.
            SELECT held.kind, held.owner, held.name FROM held
            JOIN resource ON resource.id = held.id
            LEFT JOIN last ON last.kind = held.kind AND last.owner = held.owner AND last.name = held.name
            WHERE last.kind IS NULL
                AND resource.revision > coalesce((SELECT revision FROM log_start WHERE id = 1), 0))
        LIMIT 5
        """

    private static let tenantKinds = Kind.allCases.filter { $0.scope == .tenant }
        .map { "'\($0.rawValue)'" }.joined(separator: ", ")
}
