// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeModel
import TurnpikeSnapshot
import TurnpikeTelemetry

@testable import TurnpikeControl

@Suite struct ControlMetricsTests {
    private func says(_ test: TestPlane, _ line: String) -> Bool {
        test.metrics.render().split(separator: "\n").contains { $0 == line }
    }

    @Test func `readiness and open feeds are told`() async throws {
        let test = try await TestPlane.start()
        #expect(says(test, "turnpike_ready 1") && says(test, "turnpike_open_feeds 0"))
        var feed: ChangeFeed? = try test.plane.changes(
            after: 0, tenant: nil, kind: nil, isWatching: true, for: .system)
        #expect(says(test, "turnpike_open_feeds 1"))
        withExtendedLifetime(feed) {}
        feed = nil
        #expect(says(test, "turnpike_open_feeds 0"))
        test.store.failWriting()
        _ = try await refusal { () throws(TurnpikeError) in try await test.seed() }
        #expect(says(test, "turnpike_ready 0"))
        test.store.beforeWriting(nil)
        await test.plane.probeStorage()
        #expect(says(test, "turnpike_ready 1"))
        await test.plane.shutDown()
        #expect(says(test, "turnpike_ready 0"))
    }

    @Test func `who is refused is counted`() async throws {
        var limits = TenantLimits()
        (limits.requestsPerSecond, limits.feeds) = (1, 1)
        let test = try await TestPlane.start(tenantLimits: limits)
        try await test.seed()
        for _ in 0...FailedLogins.burst {
            _ = try await refusal { () throws(TurnpikeError) in
                try test.plane.authenticate(bearer: "tp_op_wrong", from: "192.0.2.1")
            }
        }
        let token = try #require(
            try await test.write(.create(.operator, body: ["name": "ops", "tenant": "acme"])).secret)
        let own = try test.plane.authenticate(bearer: token)
        for _ in 0..<2 { try test.plane.admit(own) }
        _ = try await refusal { () throws(TurnpikeError) in try test.plane.admit(own) }
        let authority = try Authority(of: own)
        let feed = try test.plane.changes(after: 0, tenant: nil, kind: nil, isWatching: true, for: authority)
        _ = try await refusal { () throws(TurnpikeError) in
            try test.plane.changes(after: 0, tenant: nil, kind: nil, isWatching: true, for: authority)
        }
        for (line, count) in [
            ("turnpike_failed_logins_total", FailedLogins.burst + 1),
            ("turnpike_rate_limited_total{of=\"address\"}", 1),
            ("turnpike_rate_limited_total{of=\"tenant\"}", 1), ("turnpike_rate_limited_total{of=\"feeds\"}", 1),
        ] {
            #expect(says(test, "\(line) \(count)"), "\(line)")
        }
        withExtendedLifetime(feed) {}
    }

    @Test func `the time until a worker has applied a change, and that to settle its leases, is measured`() async throws
    {
        let test = try await TestPlane.start()
        try await test.seed()
        let worker = try await test.join()
        let stream = try test.plane.openStream(worker: worker, from: nil)
        func acknowledge(_ revision: Revision) throws {
            try test.plane.acknowledge(Acknowledgement(revision: revision), worker: worker)
        }
        // What it had before is no change that it was slow to apply.
        try acknowledge(try #require(try await stream.nextDelta()).revision)
        #expect(says(test, "turnpike_rollout_duration_seconds_count 0"))
        for port in 1...3 as ClosedRange<Int64> {
            try await test.write(.put(.service, tenant: "acme", name: "orders", body: Body.service(port: port)))
        }
        // Three revisions in one delta, applied once, and told again.
        let revision = try #require(try await stream.nextDelta()).revision
        for _ in 0..<2 { try acknowledge(revision) }
        #expect(says(test, "turnpike_rollout_duration_seconds_count 1"))
        _ = try await test.plane.lease(LeaseRequest(epoch: 1, wants: []), worker: worker)
        #expect(says(test, "turnpike_settle_duration_seconds_count 1"))
    }

    @Test func `a worker is behind for as long as it lacks something, however much is written since`() async throws {
        let test = try await TestPlane.start()
        try await test.seed()
        let worker = try await test.join()
        #expect(says(test, "turnpike_worker_lag_seconds 0"))
        let stream = try test.plane.openStream(worker: worker, from: nil)
        let opened = ContinuousClock.now
        #expect(test.plane.publisher.greatestLagTime > .zero && !says(test, "turnpike_worker_lag_seconds 0"))
        func write(_ port: Int64) async throws {
            try await test.write(.put(.service, tenant: "acme", name: "orders", body: Body.service(port: port)))
        }
        func acknowledge() async throws {
            let revision = try #require(try await stream.nextDelta()).revision
            try test.plane.acknowledge(Acknowledgement(revision: revision), worker: worker)
        }
        try await acknowledge()
        #expect(test.plane.publisher.greatestLagTime == .zero)
        // Never counted from before its stream was there, and from the first that it lacks on.
        try await write(1)
        let first = test.plane.publisher.greatestLagTime
        try await write(2)
        #expect(test.plane.publisher.greatestLagTime > first)
        #expect(test.plane.publisher.greatestLagTime <= ContinuousClock.now - opened)
        try await acknowledge()
        #expect(test.plane.publisher.greatestLagTime == .zero)
        try await write(3)
        stream.close()
        #expect(test.plane.publisher.greatestLagTime == .zero)
    }

    @Test func `those who wait for workers and for the log are counted`() async throws {
        let test = try await TestPlane.start()
        try await test.seed()
        #expect(says(test, #"turnpike_waiting_requests{for="rollout"} 0"#))
        #expect(says(test, #"turnpike_waiting_requests{for="revision"} 0"#))
        let worker = try await test.join()
        let stream = try test.plane.openStream(worker: worker, from: nil)
        let revision = test.plane.revision
        async let rollout = test.plane.rollout(of: revision, timeout: .seconds(60), for: .system)
        async let later: Void = test.plane.waitForRevision(revision + 1, timeout: .seconds(60))
        while !says(test, #"turnpike_waiting_requests{for="rollout"} 1"#)
            || !says(test, #"turnpike_waiting_requests{for="revision"} 1"#)
        { await Task.yield() }
        let delta = try #require(try await stream.nextDelta()).revision
        try test.plane.acknowledge(Acknowledgement(revision: delta), worker: worker)
        #expect(try await rollout.state == .complete)
        try await test.write(.create(.tenant, body: ["name": "umbra"]))
        try await later
        #expect(says(test, #"turnpike_waiting_requests{for="rollout"} 0"#))
        #expect(says(test, #"turnpike_waiting_requests{for="revision"} 0"#))
    }

    @Test func `the first revision of a range is found, as far as they are remembered`() {
        var times = PublicationTimes()
        let start = ContinuousClock.now
        func at(_ seconds: Int) -> ContinuousClock.Instant { start + .seconds(seconds) }
        #expect(times.first(above: 0, through: 9, since: start) == nil)
        let count = PublicationTimes.most + 10
        for number in 1...count { times.note(Revision(number * 2), at: at(number)) }
        let last = Revision(count * 2)
        #expect(times.first(above: last - 4, through: last, since: start) == at(count - 1))
        #expect(times.first(above: last - 5, through: last, since: start) == at(count - 2))
        #expect(times.first(above: last - 4, through: last - 3, since: start) == nil)
        #expect(times.first(above: last, through: last + 9, since: start) == nil)
        #expect(times.first(above: 0, through: last, since: at(count)) == at(count))
        #expect(times.first(above: last) == nil && times.first(above: last - 1) == at(count))
        #expect(times.first(above: last - 5) == at(count - 2) && times.first(above: 0) == at(11))
        // The oldest that is remembered stands for those that are not.
        #expect(times.first(above: 0, through: last, since: start) == at(11))
    }
}
