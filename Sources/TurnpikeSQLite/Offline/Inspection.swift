// SPDX-License-Identifier: Apache-2.0

import GRDB
import TurnpikeControl
public import TurnpikeModel

/// A look through all of a data directory: that nothing is damaged, and nothing was altered behind the server's back. It
/// changes nothing.
public struct Inspection: Sendable {
    /// One thing that was looked at.
    public struct Finding: Sendable {
        public var subject: String
        public var isGood: Bool
        public var detail: String
    }

    public private(set) var findings: [Finding] = []
    public var isGood: Bool { findings.allSatisfy(\.isGood) }

    /// - Parameters:
    ///   - directory: the data directory. A server may be using it.
    ///   - progress: called after each finding.
    /// - Throws: `storageFailed` where there is no database that could be looked through.
    public init(of directory: String, progress: (Finding) -> Void) throws(TurnpikeError) {
        do {
            let path = DataDirectory.databasePath(in: directory)
            let database = try OfflineDatabase.open(path, isReadOnly: true)
            defer { try? database.close() }
            // One transaction, so that all is of one moment.
            let looks = [Self.file, Self.references, Self.log, Self.resources, Self.ledger]
            findings = try database.read { db in
                try looks.map { look in
                    let finding = try look(db)
                    progress(finding)
                    return finding
                }
            }
        } catch let error as TurnpikeError {
            throw error
        } catch { throw TurnpikeError(.storageFailed, "The database of '\(directory)' cannot be read.", cause: error) }
    }

    private static func file(_ db: Database) throws -> Finding {
        let verdicts = try String.fetchAll(db, sql: "PRAGMA integrity_check(5)")
        let isGood = verdicts == ["ok"]
        return Finding(
            subject: "file", isGood: isGood, detail: isGood ? "whole" : verdicts.joined(separator: "; "))
    }

    private static func references(_ db: Database) throws -> Finding {
        let faults = try Row.fetchAll(db, sql: "PRAGMA foreign_key_check").count
        return Finding(
            subject: "references", isGood: faults == 0,
            detail: faults == 0 ? "all lead somewhere" : "\(faults) lead nowhere")
    }

    /// The chain of hashes, with the stored documents' own.
    private static func log(_ db: Database) throws -> Finding {
        var previous = try String.fetchOne(db, sql: "SELECT hash FROM log_start") ?? LogChain.start
        var (position, count) = (Revision(0), 0)
        var next: Revision? = 0
        while let start = next {
            let page = try StoredRecord.fetch(db, LogQuery(above: start, limit: 500))
            next = page.next
            let columns = try ChangeColumns.fetch(db, of: page.records)
            for stored in page.records {
                var record: RevisionRecord
                do { record = try stored.record() } catch {
                    return Finding(
                        subject: "log", isGood: false, detail: "revision \(stored.number) cannot be read: \(error)")
                }
                record.previousHash = previous
                guard record.isSealIntact else {
                    return Finding(
                        subject: "log", isGood: false,
                        detail: "revision \(stored.number) was altered, or entries before it were taken out")
                }
                guard columns[record.revision] ?? [] == record.changes.map(ChangeColumns.init) else {
                    return Finding(
                        subject: "log", isGood: false,
                        detail: "revision \(stored.number) is looked for as something else than its documents say")
                }
                previous = record.hash
            }
            position = page.records.last?.number ?? position
            count += page.records.count
        }
        return Finding(
            subject: "log", isGood: true, detail: "\(count) entries up to revision \(position), hash \(previous)")
    }

    /// The log and the resources agree in both directions, as far as the log reaches back: each resource is as the last
    /// change of its name has left it, and what was deleted is gone.
    private static func resources(_ db: Database) throws -> Finding {
        let count = try Int.fetchOne(db, sql: "SELECT count(*) FROM resource") ?? 0
        let altered = try String.fetchAll(db, sql: LogComparison.sql)
        return Finding(
            subject: "resources", isGood: altered.isEmpty,
            detail: altered.isEmpty
                ? "\(count), each as the log has left it"
                : "not as the log has left them: \(altered.joined(separator: ", "))")
    }

    /// No lease has given back what it never had, of no hard quota is more out than it allows, and no batch of usage is
    /// without its epoch.
    ///
    /// What quotas of requests have spent is not held against the requests counted: a request that a crash cut off was let
    /// in, and never answered.
    private static func ledger(_ db: Database) throws -> Finding {
        let row = try Row.fetchOne(
            db, sql: "SELECT count(*), coalesce(sum(requests), 0), coalesce(sum(units), 0) FROM usage_series")
        let (series, requests, units): (Int, Int64, Int64) =
            try row.map {
                (try $0.decode(atIndex: 0), try $0.decode(atIndex: 1), try $0.decode(atIndex: 2))
            } ?? (0, 0, 0)
        let overdrawn = try Int.fetchOne(db, sql: "SELECT count(*) FROM lease WHERE released > granted") ?? 0
        let silent =
            try Int.fetchOne(
                db,
                sql: """
                    SELECT count(*) FROM usage_epoch WHERE sequence = 0
                        AND EXISTS (SELECT 1 FROM usage_series WHERE epoch_id = usage_epoch.id)
                    """) ?? 0
        let exceeded = try QuotaComparison(db).exceeded
        let isGood = overdrawn == 0 && silent == 0 && exceeded == 0
        return Finding(
            subject: "ledger", isGood: isGood,
            detail: isGood
                ? "\(requests) requests and \(units) units in \(series) series"
                : """
                \(overdrawn) leases gave back more than they had, \(silent) epochs have usage that no batch brought, \
                \(exceeded) hard quotas have more out than they ever allowed
                """)
    }
}
