// SPDX-License-Identifier: Apache-2.0

import Foundation
import GRDB
import Testing
import TurnpikeControl
import TurnpikeMetering
import TurnpikeModel
import TurnpikeTestSupport

@testable import TurnpikeSQLite

@Suite struct InspectionTests {
    /// A store with the tenants b to e, changed behind its back; what an inspection then finds wrong. Tenant a has been
    /// deleted, e updated; c and d have a service of the same name.
    private func bad(after sql: String) async throws -> [String] { try await faults(after: sql).map(\.subject) }

    private func faults(after sql: String) async throws -> [Inspection.Finding] {
        var faults: [Inspection.Finding] = []
        try await withTemporaryDirectory { path in
            var make = RecordMaker()
            let store = try await SQLiteStore.open(path: path, logger: .silent)
            let tenants = try ["a", "b", "c", "d", "e"].map { name in
                let tenant = try make.tenant(name)
                return (tenant, make.creating(tenant))
            }
            try await store.commit(tenants.map(\.1))
            let updated = make.relabelled(tenants[4].0, ["tier": "gold"])
            try await store.commit([make.record([Change(before: tenants[4].0, after: updated)])])
            try await store.commit([make.deleting(tenants[0].0)])
            for tenant in ["c", "d"] { try await store.commit([make.creating(try make.service(tenant, "s"))]) }
            try await store.pool.writeWithoutTransaction { db in
                try db.execute(sql: "PRAGMA foreign_keys = OFF")
                try db.execute(sql: sql)
            }
            try await store.close()
            faults = try Inspection(of: path) { _ in }.findings.filter { !$0.isGood }
        }
        return faults
    }

    @Test func `what nobody has touched is good`() async throws {
        #expect(try await bad(after: "SELECT 1").isEmpty)
    }

    @Test(arguments: [
        "UPDATE revision SET actor = 'operator:nobody' WHERE number = 3",
        "UPDATE revision SET reason = '' WHERE number = 5", "UPDATE revision SET at = at + 1 WHERE number = 1",
        "UPDATE change SET name = 'x' WHERE revision = 2", "DELETE FROM change WHERE revision = 4",
        // Of what is gone, no resource bears witness any more.
        "UPDATE change SET tenant = 'b' WHERE name = 'a'", "UPDATE change SET tenant = NULL WHERE name = 'a'",
        "UPDATE change SET name = 'z', tenant = 'z' WHERE name = 'a'",
    ])
    func `an altered entry is found`(sql: String) async throws {
        #expect(try await !bad(after: sql).isEmpty)
    }

    @Test(arguments: ["number = 3", "number < 3"])
    func `entries taken out are found`(which: String) async throws {
        let sql =
            "DELETE FROM change WHERE revision IN (SELECT number FROM revision WHERE \(which)); DELETE FROM revision WHERE \(which)"
        #expect(try await bad(after: sql).contains("log"))
    }

    @Test func `a document altered in log and resource alike is found`() async throws {
        let sql = """
            UPDATE change SET after = replace(after, '"UTC"', '"Europe/Berlin"') WHERE revision = 2;
            UPDATE resource SET document = replace(document, '"UTC"', '"Europe/Berlin"') WHERE name = 'b'
            """
        #expect(try await bad(after: sql) == ["log"])
    }

    @Test func `a resource that is not as the log left it is found`() async throws {
        let sql = "UPDATE resource SET document = replace(document, '\"UTC\"', '\"Europe/Berlin\"') WHERE name = 'b'"
        #expect(try await bad(after: sql) == ["resources"])
    }

    @Test(arguments: [
        // Deleted, as if it had never been.
        "DELETE FROM resource WHERE name = 'b'",
        // Under a revision that the log does not have.
        "UPDATE resource SET revision = 99 WHERE name = 'b'",
        // Rolled back to what an earlier entry of the log had left.
        """
        UPDATE resource SET (revision, document) =
            (SELECT revision, before FROM change WHERE name = 'e' AND before IS NOT NULL) WHERE name = 'e'
        """,
        // Brought back after its deletion.
        """
        INSERT INTO resource (id, kind, tenant_id, name, revision, document)
            SELECT zeroblob(16), kind, NULL, name, 1, before FROM change WHERE name = 'a' AND after IS NULL
        """,
        // Made up, of a revision that has other changes.
        """
        INSERT INTO resource (id, kind, tenant_id, name, revision, document)
            SELECT zeroblob(16), kind, NULL, 'x', 3, document FROM resource WHERE name = 'c'
        """,
        // Another tenant's resource of the same kind and name.
        """
        UPDATE resource SET document = (SELECT document FROM resource WHERE name = 's' AND tenant_id =
            (SELECT id FROM resource WHERE name = 'c')) WHERE name = 's'
        """,
    ])
    func `a row that does not follow from the last change of its name is found`(sql: String) async throws {
        #expect(try await bad(after: sql).contains("resources"))
    }

    @Test func `a resource that is found wrong is named with its tenant`() async throws {
        let sql = """
            UPDATE resource SET document = document || ' ' WHERE name = 's' AND tenant_id =
                (SELECT id FROM resource WHERE name = 'd');
            UPDATE resource SET document = document || ' ' WHERE name = 'b'
            """
        let details = try await faults(after: sql).map(\.detail)
        #expect(details.count == 1)
        #expect(details.first?.contains("service d/s") == true && details.first?.contains("tenant b") == true)
    }

    @Test func `references that lead nowhere are found`() async throws {
        let sql = "INSERT INTO reference (from_id, tenant_id, to_kind, to_name) VALUES (x'00', x'00', 'service', 'x')"
        #expect(try await bad(after: sql) == ["references"])
    }

    @Test func `a lease that gave back more than it had is found`() async throws {
        let sql = """
            INSERT INTO usage_epoch (id, worker, epoch, sequence, is_closed) VALUES (1, zeroblob(16), 1, 1, 0);
            INSERT INTO lease (quota, subject, period_start, epoch_id, granted, released, consumed)
            VALUES (zeroblob(16), zeroblob(16), 0, 1, 5, 6, 0)
            """
        #expect(try await bad(after: sql) == ["ledger"])
    }

    @Test(arguments: [
        (["hard": [100]], false), (["hard": [99]], true), (["hard": [100, 50]], false), (["hard": [50, 99]], true),
        (["soft": [10]], false),
    ])
    func `more out of a hard quota than it ever allowed is found`(
        quota: [String: [Int64]], isFound: Bool
    ) async throws {
        try await withTemporaryDirectory { path in
            var make = RecordMaker()
            let store = try await SQLiteStore.open(path: path, logger: .silent)
            try await store.commit([make.creating(try make.tenant("acme"))])
            let (enforcement, limits) = try #require(quota.first)
            var last: Resource?
            for limit in limits {
                var next = try make.resource(
                    .quota, tenant: "acme", name: "q",
                    ["limit": .integer(limit), "period": "month", "enforcement": .string(enforcement)])
                if let last {
                    next = Resource(
                        key: last.key, id: last.id, labels: [:], spec: next.spec, revision: next.revision,
                        createdAt: last.createdAt, updatedAt: last.updatedAt)
                }
                try await store.commit([make.record([Change(before: last, after: next)])])
                last = next
            }
            let key = LeaseKey(quota: try #require(last).id, subject: .number(1), periodStart: Timestamp(seconds: 0))
            // 60 are held, 40 were spent before the epoch ended; the other 20 of that came back.
            try await store.grant([(.number(1), 1, key, 60), (.number(2), 1, key, 60)])
            try await store.take(2, .spending(1, 1, final: true, key, consumed: 40))
            try await store.close()
            let bad = try Inspection(of: path) { _ in }.findings.filter { !$0.isGood }.map(\.subject)
            #expect(bad == (isFound ? ["ledger"] : []))
        }
    }

    @Test func `looking changes nothing, though a crash left all in the WAL`() async throws {
        try await withTemporaryDirectory { path in
            let store = try await SQLiteStore.open(path: path + "/data", logger: .silent)
            var make = RecordMaker()
            try await store.commit([make.creating(try make.tenant("acme"))])
            try FileManager.default.createDirectory(atPath: path + "/crashed", withIntermediateDirectories: false)
            let files = ["turnpike.sqlite", "turnpike.sqlite-wal"]
            for file in files {
                try FileManager.default.copyItem(atPath: "\(path)/data/\(file)", toPath: "\(path)/crashed/\(file)")
            }
            func contents() -> [Data?] { files.map { FileManager.default.contents(atPath: "\(path)/crashed/\($0)") } }
            let before = contents()
            let inspection = try Inspection(of: path + "/crashed") { _ in }
            #expect(inspection.isGood && inspection.findings.contains { $0.detail.hasPrefix("1 entries") })
            #expect(contents() == before && before.allSatisfy { $0?.isEmpty == false })
            try await store.close()
        }
    }

    @Test func `the log after entries were forgotten is good`() async throws {
        try await withTemporaryDirectory { path in
            var make = RecordMaker()
            let store = try await SQLiteStore.open(path: path, logger: .silent)
            for name in ["a", "b", "c"] { try await store.commit([make.creating(try make.tenant(name))]) }
            let last = try await store.records(after: 2, limit: 1)
            #expect(try await store.forgetRecords(before: try #require(last.first).at) == 2)
            try await store.close()
            #expect(try Inspection(of: path) { _ in }.isGood)
        }
    }
}
