// SPDX-License-Identifier: Apache-2.0

import GRDB
import TurnpikeControl
import TurnpikeModel

/// Writes records within one transaction: the log's entry first, then the resources as the entry leaves them.
struct RevisionWriter {
    private let db: Database
    private let insertRevision: Statement
    private let insertChange: Statement
    private let updateResource: Statement
    private var latest: (revision: Revision, at: Int64)
    /// Ids of tenants by name, as far as this transaction has met them.
    private var tenants: [String: ResourceID] = [:]

    init(_ db: Database) throws {
        self.db = db
        insertRevision = try db.cachedStatement(
            sql:
                "INSERT INTO revision (number, at, actor, source, reason, request_id, hash) VALUES (?, ?, ?, ?, ?, ?, ?)"
        )
        insertChange = try db.cachedStatement(
            sql:
                "INSERT INTO change (revision, position, kind, tenant, name, before, after) VALUES (?, ?, ?, ?, ?, ?, ?)"
        )
        updateResource = try db.cachedStatement(sql: "UPDATE resource SET revision = ?, document = ? WHERE id = ?")
        latest =
            try db.first("SELECT number, at FROM revision WHERE number = (SELECT max(number) FROM revision)") {
                ($0.integer(0), $0.integer(1))
            } ?? (0, .min)
    }

    mutating func write(_ record: RevisionRecord) throws {
        guard record.revision > latest.revision else {
            throw contradiction("revision \(record.revision) is not above \(latest.revision)")
        }
        let jumpsBack = record.at.milliseconds < latest.at
        latest = (record.revision, record.at.milliseconds)
        try db.run(insertRevision) { row in
            row.bind(record.revision)
            row.bind(record.at.milliseconds)
            row.bind(record.actor)
            row.bind(record.source)
            row.bind(record.reason)
            row.bind(record.requestID)
            row.bind(record.hash)
        }
        // A backup of an earlier release, to which its restoring is noted, gets the table afterwards, and all of them with it.
        if jumpsBack, try db.tableExists("clock_jump") {
            try db.run("INSERT INTO clock_jump (revision) VALUES (?)") { $0.bind(record.revision) }
        }
        // By place: a copy of each change would hold all that it is made of.
        for place in record.changes.indices {
            try log(record.changes[place], revision: record.revision, position: place)
        }
        for place in record.changes.indices {
            let before = record.changes[place].before
            if let before, before.id != record.changes[place].after?.id { try delete(before) }
        }
        // Tenants first, since the others' rows hold their ids; order is free otherwise, since references are checked
        // when the transaction ends.
        for place in record.changes.indices where record.changes[place].after?.key.kind == .tenant {
            try put(record.changes[place])
        }
        for place in record.changes.indices where record.changes[place].after?.key.kind != .tenant {
            try put(record.changes[place])
        }
    }

    private func log(_ change: Change, revision: Revision, position: Int) throws {
        guard let key = change.key else { throw contradiction("a change of nothing to nothing") }
        try db.run(insertChange) { row in
            row.bind(revision)
            row.bind(Int64(position))
            row.bind(key.kind.rawValue)
            row.bind(change.tenant)
            row.bind(key.name)
            row.bind(change.beforeText)
            row.bind(change.afterText)
        }
    }

    private mutating func delete(_ resource: Resource) throws {
        if resource.key.kind == .tenant { tenants[resource.key.name] = nil }
        try db.run("DELETE FROM resource WHERE id = ?") { $0.bind(resource.id) }
        guard db.changesCount == 1 else { throw contradiction("\(resource.key) is not there to be deleted") }
    }

    private mutating func put(_ change: Change) throws {
        guard let resource = change.after else { return }
        if resource.key.kind == .tenant { tenants[resource.key.name] = resource.id }
        let tenant = try resource.key.tenant.map { try tenantID($0) }
        if change.before?.id == resource.id {
            try db.run(updateResource) { row in
                row.bind(resource.revision)
                row.bind(change.afterText)
                row.bind(resource.id)
            }
            guard db.changesCount == 1 else { throw contradiction("\(resource.key) is not there to be updated") }
        } else {
            try db.run("INSERT INTO resource (id, kind, tenant_id, name, revision, document) VALUES (?, ?, ?, ?, ?, ?)")
            { row in
                row.bind(resource.id)
                row.bind(resource.key.kind.rawValue)
                row.bind(tenant)
                row.bind(resource.key.name)
                row.bind(resource.revision)
                row.bind(change.afterText)
            }
        }
        // Most changes leave references as they are, and each row lies on other pages than the resource's own.
        if change.keepsPlace { return }
        let before = change.before?.id == resource.id ? change.before : nil
        try putReferences(of: resource, tenant: tenant, before: before?.spec.references ?? [])
    }

    /// - Parameter before: what the rows say so far.
    private func putReferences(of resource: Resource, tenant: ResourceID?, before: [Reference]) throws {
        let after = resource.spec.references
        if before == after { return }
        if !before.isEmpty {
            try db.run("DELETE FROM reference WHERE from_id = ?") { $0.bind(resource.id) }
        }
        // References to tenants are the rows' own business: theirs are foreign keys already, an operator's is checked by
        // the control plane, which alone knows it.
        guard let tenant else { return }
        for reference in after {
            // A resource may name another one twice.
            try db.run(
                """
                INSERT INTO reference (from_id, tenant_id, to_kind, to_name) VALUES (?, ?, ?, ?)
                ON CONFLICT DO NOTHING
                """
            ) { row in
                row.bind(resource.id)
                row.bind(tenant)
                row.bind(reference.kind.rawValue)
                row.bind(reference.name)
            }
        }
    }

    private mutating func tenantID(_ name: String) throws -> ResourceID {
        if let known = tenants[name] { return known }
        let id = try db.first("SELECT id FROM resource WHERE tenant_id IS NULL AND kind = ? AND name = ?") { row in
            row.bind(Kind.tenant.rawValue)
            row.bind(name)
        } read: {
            $0.id(0)
        }
        guard let id = id ?? nil else { throw contradiction("there is no tenant '\(name)'") }
        tenants[name] = id
        return id
    }

    /// A record that does not follow from what is stored. The control plane checks before it commits, so this shows a
    /// fault of ours, or a file that somebody else has written to.
    private func contradiction(_ message: String) -> DatabaseError {
        DatabaseError(resultCode: .SQLITE_CONSTRAINT, message: message)
    }
}

extension Change {
    fileprivate var beforeText: String? { beforeDocument ?? before?.storedText }
    fileprivate var afterText: String? { afterDocument ?? after?.storedText }
}
