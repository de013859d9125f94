// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeMetering
import TurnpikeModel
import TurnpikeSnapshot
import TurnpikeTelemetry
import TurnpikeTestSupport

@testable import TurnpikeControl

@Suite struct UsageTests {
    private struct Setting {
        var test: TestPlane
        var worker: Principal
        var tenant: ResourceID
        var route: ResourceID
        var key: ResourceID

        /// A batch with one series for each `(minute of the test's day, status class, with key)`.
        func batch(
            _ sequence: Int64, _ entries: [(minute: Int64, statusClass: UInt8, hasKey: Bool, requests: Int64)]
        ) -> UsageBatch {
            let start = test.clock.now.milliseconds / 60_000
            return UsageBatch(
                epoch: 1, sequence: sequence, isFinal: false,
                series: entries.map { entry in
                    UsageSeries(
                        key: SeriesKey(
                            tenant: tenant, apiKey: entry.hasKey ? key : .zero, route: route,
                            statusClass: entry.statusClass, minute: start + entry.minute),
                        counters: UsageCounters(
                            requests: entry.requests, bytesIn: 1, bytesOut: 2, units: entry.requests))
                }, consumption: [])
        }

        func report(_ change: (inout UsageReportRequest) -> Void = { _ in }) async throws(TurnpikeError) -> UsageReport
        {
            var request = UsageReportRequest(tenant: "acme")
            change(&request)
            return try await test.plane.usage(request)
        }
    }

    private func setting(timeZone: String = "UTC") async throws -> Setting {
        let test = try await TestPlane.start()
        try await test.seed()
        try await test.write(.patch(.tenant, name: "acme", patch: ["timeZone": .string(timeZone)]))
        let key = try #require(try await test.write(.create(.apiKey, tenant: "acme", body: ["name": "p"])).resource)
        return Setting(
            test: test, worker: try await test.join(),
            tenant: try test.plane.resource(.tenant, tenant: nil, name: "acme").id,
            route: try test.plane.resource(.route, tenant: "acme", name: "orders").id, key: key.id)
    }

    @Test func `a batch is taken once, however often it comes`() async throws {
        let setting = try await setting()
        let batch = setting.batch(1, [(-1, 2, true, 7)])
        for _ in 0..<3 {
            let receipt = try await setting.test.plane.takeUsage(batch, worker: setting.worker)
            #expect(receipt == UsageReceipt(epoch: 1, sequence: 1))
        }
        #expect(try await setting.report().rows.map(\.counters.requests) == [7])
    }

    @Test func `a gap is counted and the batch is taken all the same`() async throws {
        let setting = try await setting()
        _ = try await setting.test.plane.takeUsage(setting.batch(1, []), worker: setting.worker)
        let receipt = try await setting.test.plane.takeUsage(
            setting.batch(3, [(-1, 2, true, 7)]), worker: setting.worker)
        #expect(receipt.sequence == 3)
        #expect(setting.test.metrics.render().contains("turnpike_usage_gaps_total 1"))
        #expect(try await setting.report().rows.map(\.counters.requests) == [7])
    }

    @Test func `batches that come at once share a transaction`() async throws {
        let setting = try await setting()
        let gate = Gate()
        let entered = Gate()
        setting.test.store.beforeWriting {
            entered.open()
            await gate.pass()
        }
        let before = setting.test.store.writeCount
        let (plane, worker) = (setting.test.plane, setting.worker)
        let first = Task { try await plane.takeUsage(setting.batch(1, []), worker: worker) }
        await entered.pass()
        let others = (2...5).map { sequence in
            Task { try await plane.takeUsage(setting.batch(Int64(sequence), []), worker: worker) }
        }
        while plane.usageQueue.waitingCount < 4 { await Task.yield() }
        gate.open()
        #expect(try await first.value.sequence == 1)
        for other in others { _ = try await other.value }
        #expect(setting.test.store.writeCount == before + 2)
    }

    @Test func `where the storage fails there is no receipt`() async throws {
        let setting = try await setting()
        setting.test.store.failWriting()
        let error = try await refusal { () throws(TurnpikeError) in
            try await setting.test.plane.takeUsage(setting.batch(1, []), worker: setting.worker)
        }
        #expect(error.code == .storageFailed)
    }

    @Test func `the window is the last day, in whole minutes`() async throws {
        let setting = try await setting()
        setting.test.clock.advance(by: .seconds(30))
        _ = try await setting.test.plane.takeUsage(
            setting.batch(1, [(0, 2, true, 1), (1, 2, true, 10), (-1439, 2, true, 100), (-1440, 2, true, 1000)]),
            worker: setting.worker)
        let report = try await setting.report()
        #expect(report.from.duration(to: report.to) == .seconds(86_400))
        #expect(report.to == setting.test.clock.now.startOfMinute.advanced(by: .seconds(60)))
        #expect(report.rows.map(\.counters.requests) == [101])
        let now = setting.test.clock.now
        let narrow = try await setting.report {
            $0.from = now
            $0.to = now.advanced(by: .seconds(1))
        }
        #expect(narrow.rows.map(\.counters.requests) == [1])
    }

    @Test func `rows are grouped as asked, with names where there are any`() async throws {
        let setting = try await setting()
        _ = try await setting.test.plane.takeUsage(
            setting.batch(1, [(-1, 2, true, 5), (-1, 4, false, 3), (-2, 2, true, 2)]), worker: setting.worker)
        let report = try await setting.report { $0.groupBy = [.key, .route, .statusClass] }
        let keyText = setting.key.text(prefix: "key")
        #expect(
            report.rows.map(\.json.text) == [
                #"{"key":null,"route":"orders","statusClass":"4xx","requests":3,"bytesIn":1,"bytesOut":2,"units":3}"#,
                #"{"key":"\#(keyText)","keyName":"p","route":"orders","statusClass":"2xx","requests":7,"bytesIn":2,"bytesOut":4,"units":7}"#,
            ])
        try await setting.test.write(.delete(.apiKey, tenant: "acme", name: "p"))
        try await setting.test.write(.delete(.route, tenant: "acme", name: "orders"))
        let later = try await setting.report { $0.groupBy = [.route, .key] }
        #expect(later.rows.map(\.route) == Array(repeating: setting.route.text(prefix: "rte"), count: 2))
        #expect(later.rows.map(\.key) == [nil, keyText])
        #expect(later.rows.map(\.keyName) == [nil, nil])
    }

    @Test func `buckets follow the tenant's calendar`() async throws {
        let setting = try await setting(timeZone: "Europe/Berlin")
        // The clock stands at 2026-03-01T12:00Z; the night from 28 to 29 March skips an hour in Berlin.
        setting.test.clock.set(try #require(Timestamp("2026-03-30T12:00:00Z")))
        let minutesToMidnight: Int64 = -14 * 60
        _ = try await setting.test.plane.takeUsage(
            setting.batch(
                1, [(minutesToMidnight - 1, 2, true, 1), (minutesToMidnight, 2, true, 10), (-1, 2, true, 100)]),
            worker: setting.worker)
        let report = try await setting.report {
            $0.from = Timestamp("2026-03-28T12:00:00Z")
            $0.bucket = .day
        }
        #expect(report.rows.map { $0.bucketStart?.description } == ["2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"])
        #expect(report.rows.map(\.counters.requests) == [1, 110])
    }

    @Test func `pages follow one another`() async throws {
        let setting = try await setting()
        _ = try await setting.test.plane.takeUsage(
            setting.batch(1, (1...7).map { (-$0, 2, true, $0) }), worker: setting.worker)
        var seen: [Int64] = []
        var place: UsageRow.Place?
        var pages = 0
        repeat {
            let after = place
            let report = try await setting.report {
                $0.bucket = .minute
                $0.limit = 3
                $0.after = after
            }
            seen += report.rows.map(\.counters.requests)
            place = report.next
            pages += 1
        } while place != nil
        #expect(seen == [7, 6, 5, 4, 3, 2, 1])
        #expect(pages == 3)
    }

    @Test func `empty windows and too many buckets are refused`() async throws {
        let setting = try await setting()
        let now = setting.test.clock.now
        for (from, bucket) in [
            (now, nil), (now.advanced(by: .seconds(60)), .day), (Timestamp(milliseconds: 0), .hour),
            (now.advanced(by: .seconds(-86_400 * 8)), .minute),
        ] as [(Timestamp, CalendarBucket?)] {
            let error = try await refusal { () throws(TurnpikeError) in
                try await setting.report {
                    $0.from = from
                    $0.to = now
                    $0.bucket = bucket
                }
            }
            #expect(error.code == .invalidParameter)
        }
        let unknown = try await refusal { () throws(TurnpikeError) in try await setting.report { $0.tenant = "nope" } }
        #expect(unknown.code == .notFound)
    }
}
