// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeControl
import TurnpikeModel

extension StoreContract {
    static let log: [Clause] = [
        Clause("a new store is empty") { store in
            #expect(try await store.latestRevision() == 0)
            #expect(try await store.records(after: 0, limit: 10).isEmpty)
            #expect(try await store.documents().isEmpty)
            try await store.commit([])
            #expect(try await store.latestRevision() == 0)
        },

        Clause("what is committed is read back to the letter") { store in
            var make = RecordMaker()
            let tenant = try make.resource(
                .tenant, name: "acme", ["displayName": "Ärger & \"Söhne\" 🚲", "labels": ["tier": "gold"]]
            )
            let key = try make.resource(
                .apiKey, tenant: "acme", name: "partner-1", ["expiresAt": "2030-01-01T00:00:00.001Z"]
            )
            let record = make.creating(tenant, key)
            try await store.commit([record])
            #expect(try await store.documents() == [tenant, key].map { $0.document(for: .storage) })
            #expect(try await store.records(after: 0, limit: 10).map(\.json) == [record.json])
            #expect(try await store.latestRevision() == 1)
        },

        Clause("updates and deletes leave the newest state, and both states in the log") { store in
            var make = RecordMaker()
            let (tenant, service) = (try make.tenant("acme"), try make.service("acme", "orders"))
            let created = make.creating(tenant, service)
            let changed = make.relabelled(service, ["tier": "gold"])
            let updated = make.record([Change(before: service, after: changed)])
            try await store.commit([created])
            try await store.commit([updated])
            #expect(try await store.documents() == [tenant, changed].map { $0.document(for: .storage) })
            let deleted = make.deleting(changed)
            try await store.commit([deleted])
            #expect(try await store.documents() == [tenant.document(for: .storage)])
            #expect(try await store.records(after: 1, limit: 10).map(\.json) == [updated, deleted].map(\.json))
        },

        Clause("a resource may be replaced by another of its name, referred to as before") { store in
            var make = RecordMaker()
            let (tenant, service) = (try make.tenant("acme"), try make.service("acme", "orders"))
            let route = try make.route("acme", "orders", to: "orders")
            try await store.commit([make.creating(tenant, service, route)])
            let other = try make.service("acme", "orders")
            try await store.commit([make.record([Change(before: service, after: other)])])
            #expect(try await store.documents() == [tenant, other, route].map { $0.document(for: .storage) })
            let last = make.deleting(other)
            await expectRefusal("deleting what took over the name") { try await store.commit([last]) }
        },

        Clause("resources come ordered by kind, tenant and name, however many") { store in
            var make = RecordMaker()
            let tenants = ["b", "a.1", "a", "a-1"]
            try await store.commit([
                make.record(try tenants.map { Change(before: nil, after: try make.tenant($0)) }),
                make.record(
                    try (0..<2600).reversed().map { index in
                        let (tenant, number) = (tenants[index % 4], index / 4)
                        let key = try make.resource(.apiKey, tenant: tenant, name: "k\(number)", [:])
                        return Change(
                            before: nil, after: number % 2 == 0 ? key : try make.service(tenant, "s\(number)"))
                    }),
            ])
            var keys: [ResourceKey] = []
            try await store.forEachResource { keys.append($0.key) }
            let sorted = keys.sorted { ($0.kind, $0.tenant ?? "", $0.name) < ($1.kind, $1.tenant ?? "", $1.name) }
            #expect(keys.count == 2604 && Set(keys).count == 2604)
            #expect(try await store.resourceCount() == 2604)
            #expect(keys == sorted)
        },

        Clause("an error of the caller ends the walk over resources") { store in
            struct Enough: Error {}
            var make = RecordMaker()
            try await store.commit([make.creating(try make.tenant("a"), try make.tenant("b"))])
            var seen = 0
            await #expect(throws: Enough.self) {
                try await store.forEachResource { _ in
                    seen += 1
                    throw Enough()
                }
            }
            #expect(seen == 1)
        },

        Clause("records come in pages, oldest first") { store in
            var make = RecordMaker()
            let records = try (1...25).map { make.creating(try make.tenant("t\($0)")) }
            try await store.commit(Array(records.prefix(10)))
            try await store.commit(Array(records.dropFirst(10)))
            #expect(try await store.latestRevision() == 25)
            for limit in [1, 7, 25, 100] {
                var (paged, after): ([RevisionRecord], Revision) = ([], 0)
                while case let page = try await store.records(after: after, limit: limit), let last = page.last {
                    #expect(page.count <= limit)
                    paged += page
                    after = last.revision
                }
                #expect(paged.map(\.json) == records.map(\.json), "limit \(limit)")
            }
            #expect(try await store.records(after: 3, limit: 0).isEmpty)
        },

        Clause("records that are committed together are there together or not at all") { store in
            var make = RecordMaker()
            try await store.commit([make.creating(try make.tenant("acme"))])
            let good = make.creating(try make.service("acme", "orders"))
            let bad = make.creating(try make.service("nobody", "orders"))
            let before = try await store.documents()
            await expectRefusal("a batch with one bad record") { try await store.commit([good, bad]) }
            #expect(try await store.documents() == before)
            #expect(try await store.latestRevision() == 1)
            try await store.commit([good])
            #expect(try await store.records(after: 1, limit: 10).map(\.json) == [good.json])
        },

        Clause("revisions only grow") { store in
            var make = RecordMaker()
            let first = make.creating(try make.tenant("a"))
            let second = make.creating(try make.tenant("b"))
            await expectRefusal("a batch in the wrong order") { try await store.commit([second, first]) }
            try await store.commit([first, second])
            var again = make.creating(try make.tenant("c"))
            for revision in [Revision](0...2) {
                again.revision = revision
                let repeated = again
                await expectRefusal("revision \(revision) again") { try await store.commit([repeated]) }
            }
        },

        Clause("readers see whole records while others are written") { store in
            var make = RecordMaker()
            let tenants = try (0..<60).map { (try make.tenant("a\($0)"), try make.tenant("b\($0)")) }
            let records = tenants.map { make.creating($0.0, $0.1) }
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { for record in records { try await store.commit([record]) } }
                for _ in 0..<4 {
                    group.addTask {
                        var seen: Revision = 0
                        while seen < 60 {
                            let page = try await store.records(after: 0, limit: 100)
                            #expect(page.allSatisfy { $0.changes.count == 2 })
                            #expect(page.count >= seen && page.map(\.revision) == Array(1..<Revision(page.count) + 1))
                            seen = Revision(page.count)
                        }
                    }
                }
                try await group.waitForAll()
            }
        },
    ]
}
