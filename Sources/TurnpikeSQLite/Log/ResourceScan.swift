// SPDX-License-Identifier: Apache-2.0

import GRDB
import TurnpikeModel

/// A walk over all resources, by kind, tenant and name, page by page along the index of names.
struct ResourceScan: Sendable {
    typealias Page = [StoredDocument]

    /// The resources of one kind and tenant, or of one kind without tenant.
    private struct Stretch: Sendable {
        var kind: Kind
        var tenant: ResourceID?
    }

    private let stretches: [Stretch]
    private var current = 0
    /// The last name seen of the current stretch. No name is empty, so all come after the empty one.
    private var name = ""

    private static let pageSize = 1000

    /// - Parameter tenants: every tenant, ordered by name.
    init(tenants: [ResourceID]) {
        stretches = Kind.allCases.flatMap { kind in
            switch kind.scope {
            case .global: [Stretch(kind: kind, tenant: nil)]
            case .tenant: tenants.map { Stretch(kind: kind, tenant: $0) }
            }
        }
    }

    static func tenants(_ db: Database) throws -> [ResourceID] {
        let tenants = try db.cachedStatement(
            sql: "SELECT id FROM resource WHERE tenant_id IS NULL AND kind = ? ORDER BY name"
        )
        return try Array(Row.fetchCursor(tenants, arguments: [Kind.tenant.rawValue]).map { try $0.id(atIndex: 0) })
    }

    var isDone: Bool { current == stretches.count }

    mutating func nextPage(_ db: Database) throws -> Page {
        var page: Page = []
        // `IS` finds a tenant as well as its absence, in the index either way.
        let statement = try db.cachedStatement(
            sql: """
                SELECT name, document FROM resource
                WHERE tenant_id IS ? AND kind = ? AND name > ? ORDER BY name LIMIT ?
                """
        )
        while !isDone, page.count < Self.pageSize {
            let (stretch, wanted) = (stretches[current], Self.pageSize - page.count)
            let arguments: StatementArguments = [stretch.tenant?.blob, stretch.kind.rawValue, name, wanted]
            let rows = try Row.fetchCursor(statement, arguments: arguments)
            while let row = try rows.next() {
                name = try row.decode(atIndex: 0)
                page.append(StoredDocument(kind: stretch.kind.rawValue, text: try row.decode(atIndex: 1)))
            }
            if page.count < Self.pageSize {
                current += 1
                name = ""
            }
        }
        return page
    }
}
