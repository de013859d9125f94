// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeControl
import TurnpikeModel
import TurnpikeSnapshot

extension StoreContract {
    static let access: [Clause] = [
        Clause("the log is asked by revision, tenant, kind, name, actor and time, in either order") { store in
            var make = RecordMaker()
            let (acme, umbra) = (try make.tenant("acme"), try make.tenant("umbra"))
            let first = make.creating(acme, umbra)
            let service = try make.service("acme", "orders")
            let second = make.creating(service)
            let third = make.creating(try make.service("umbra", "orders"))
            try await store.commit([first, second, third])
            func revisions(_ query: LogQuery) async throws -> [Revision] {
                try await store.records(query).records.map(\.revision)
            }
            #expect(try await revisions(LogQuery(limit: 9)) == [1, 2, 3])
            #expect(try await revisions(LogQuery(isDescending: true, limit: 2)) == [3, 2])
            #expect(try await revisions(LogQuery(above: 1, below: 3, limit: 9)) == [2])
            #expect(try await revisions(LogQuery(tenant: "acme", limit: 9)) == [1, 2])
            #expect(try await revisions(LogQuery(kind: .service, limit: 9)) == [2, 3])
            #expect(try await revisions(LogQuery(tenant: "umbra", kind: .service, name: "orders", limit: 9)) == [3])
            #expect(try await revisions(LogQuery(actor: "operator:nobody", limit: 9)) == [])
            #expect(try await revisions(LogQuery(from: second.at, to: third.at, limit: 9)) == [2])
            // Of an entry, only the changes asked for.
            let part = try await store.records(LogQuery(tenant: "umbra", limit: 1))
            #expect(part.records.first?.changes.map(\.key) == [umbra.key])
        },

        Clause("a page of the log holds so many entries and so many changes, but one entry whole, and tells of more") {
            store in
            var make = RecordMaker()
            for (entry, count) in [2, 9, 2, 2].enumerated() {
                let changes = try (0..<count).map { Change(before: nil, after: try make.tenant("t\(entry)-\($0)")) }
                try await store.commit([make.record(changes)])
            }
            func page(_ query: LogQuery) async throws -> [Revision] {
                let page = try await store.records(query)
                return page.records.map(\.revision) + (page.next == nil ? [] : [-1])
            }
            #expect(try await page(LogQuery(limit: 9)) == [1, 2, 3, 4])
            #expect(try await page(LogQuery(limit: 4)) == [1, 2, 3, 4])
            #expect(try await page(LogQuery(limit: 3)) == [1, 2, 3, -1])
            #expect(try await page(LogQuery(limit: 9, changeLimit: 4)) == [1, -1])
            #expect(try await page(LogQuery(above: 1, limit: 9, changeLimit: 4)) == [2, -1])
            #expect(try await page(LogQuery(above: 2, limit: 9, changeLimit: 4)) == [3, 4])
            #expect(try await page(LogQuery(isDescending: true, limit: 9, changeLimit: 5)) == [4, 3, -1])
            // Only changes that were asked for count.
            #expect(try await page(LogQuery(above: 1, name: "t1-0", limit: 9, changeLimit: 1)) == [2])
            #expect(try await page(LogQuery(limit: 0)) == [])
            let whole = try await store.records(after: 0, limit: 9)
            #expect(whole.map(\.changes.count) == [2, 9, 2, 2])
        },

        Clause("a page of the log looks at so many entries, and the next one goes on after these") { store in
            var make = RecordMaker()
            for number in 0..<20 {
                let tenant = number % 2 == 0 ? "even" : "odd"
                try await store.commit([make.creating(try make.tenant("\(tenant)-\(number)"))])
            }
            var service = [make.creating(try make.tenant("acme"))]
            for number in 0..<7 { service.append(make.creating(try make.service("acme", "s\(number)"))) }
            try await store.commit(service)
            func pages(_ query: LogQuery) async throws -> [[Revision]] {
                var (query, pages): (LogQuery, [[Revision]]) = (query, [])
                while true {
                    let page = try await store.records(query)
                    pages.append(page.records.map(\.revision))
                    guard let next = page.next else { return pages }
                    query = query.going(on: next)
                }
            }
            let named = LogQuery(name: "odd-19", limit: 5, examineLimit: 8)
            #expect(try await pages(named) == [[], [], [20], []])
            let newestFirst = LogQuery(isDescending: true, name: "odd-1", limit: 5, examineLimit: 10)
            #expect(try await pages(newestFirst) == [[], [], [2]])
            // Of a tenant's log, what is about others is not even looked at.
            let first = LogQuery(isDescending: true, tenant: "acme", name: "s0", limit: 5, examineLimit: 7)
            #expect(try await pages(first) == [[22], []])
            #expect(try await pages(LogQuery(tenant: "acme", limit: 4)) == [[21, 22, 23, 24], [25, 26, 27, 28]])
            #expect(
                try await pages(LogQuery(kind: .service, limit: 7, examineLimit: 100)) == [
                    [22, 23, 24, 25, 26, 27, 28]
                ])
            #expect(try await pages(LogQuery(limit: 28, examineLimit: 1)) == [Array(1...28)])
        },

        Clause("the chain of hashes holds, and goes on where old entries are forgotten") { store in
            var make = RecordMaker()
            for name in ["a", "b", "c", "d"] { try await store.commit([make.creating(try make.tenant(name))]) }
            let all = try await store.records(after: 0, limit: 9)
            #expect(all.allSatisfy { $0.isSealIntact })
            #expect(all.map(\.previousHash) == [LogChain.start] + all.dropLast().map(\.hash))
            #expect(try await store.logStart() == .start)
            #expect(try await store.logEnd() == LogPosition(revision: 4, hash: all[3].hash))

            #expect(try await store.forgetRecords(before: all[2].at) == 2)
            #expect(try await store.forgetRecords(before: all[2].at) == 0)
            #expect(try await store.logStart() == LogPosition(revision: 2, hash: all[1].hash))
            let kept = try await store.records(after: 0, limit: 9)
            #expect(kept.map(\.json) == all.dropFirst(2).map(\.json))
            // The newest entry stays, however old: the chain goes on from it.
            #expect(try await store.forgetRecords(before: all[3].at.advanced(by: .seconds(1))) == 1)
            #expect(try await store.logEnd() == LogPosition(revision: 4, hash: all[3].hash))
            #expect(try await store.keys() == ["tenant a", "tenant b", "tenant c", "tenant d"])
        },

        Clause("the log's tail of so many changes begins after an entry that it would not hold whole") { store in
            var make = RecordMaker()
            try await store.commit([make.creating(try make.tenant("a"), try make.tenant("b"))])
            try await store.commit([make.creating(try make.tenant("c"))])
            var found: [Revision] = []
            for changes in 0...3 { found.append(try await store.revision(before: changes)) }
            #expect(found == [2, 1, 1, 0])
        },

        Clause("replies are kept with the records they belong to, or not at all") { store in
            var make = RecordMaker()
            let record = make.creating(try make.tenant("acme"))
            func reply(_ number: UInt64, at seconds: Int64) -> StoredReply {
                StoredReply(
                    id: KeyDigest(words: (number, 0, 0, 0)), fingerprint: KeyDigest(words: (0, number, 0, 0)),
                    at: Timestamp(seconds: seconds), revision: 1, sealed: [1, 2, 3])
            }
            let (first, second) = (reply(1, at: 10), reply(2, at: 20))
            try await store.commit([record], replies: [first, second])
            let absent = KeyDigest(words: (9, 9, 9, 9))
            #expect(try await store.replies([first.id, absent]) == [first.id: first])
            await expectRefusal("a record that is there already") {
                try await store.commit([record], replies: [reply(3, at: 30)])
            }
            #expect(try await store.replies([reply(3, at: 30).id]) == [:])
            try await store.forgetReplies(before: Timestamp(seconds: 20))
            #expect(try await store.replies([first.id, second.id]) == [second.id: second])
        },

        Clause("the last use of a credential stands") { store in
            let id = ResourceID(high: 1, low: 2)
            try await store.noteUse([id: Timestamp(seconds: 20)])
            try await store.noteUse([id: Timestamp(seconds: 10)])
            #expect(try await store.uses() == [id: Timestamp(seconds: 20)])
        },

        Clause("how a worker was last seen stands, for as long as it is registered") { store in
            var make = RecordMaker()
            let (kept, gone) = (try make.tenant("a"), try make.tenant("b"))
            try await store.commit([make.creating(kept)])
            let announcement = WorkerAnnouncement(
                version: "1.2", capabilities: ["quota", "hovering"], addresses: ["192.0.2.7:8000"], zone: "eu-1a")
            let first = WorkerSighting(at: Timestamp(seconds: 20), announcement: announcement)
            try await store.noteSightings([kept.id: first, gone.id: first])
            #expect(try await store.sightings() == [kept.id: first])
            // The clock may have gone back.
            let second = WorkerSighting(at: Timestamp(seconds: 10), announcement: nil)
            try await store.noteSightings([kept.id: second])
            #expect(try await store.sightings() == [kept.id: second])
        },
    ]
}
