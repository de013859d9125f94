// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeMetering
import TurnpikeModel
import TurnpikeSnapshot
import TurnpikeTestSupport

private let id = "_0000000000000000000000000A"
private let series =
    #"{"tenant":"ten\#(id)","route":"rte\#(id)","statusClass":2,"minute":1,"requests":1,"bytesIn":0,"bytesOut":0,"units":1}"#
private let lease = #""quota":"quo\#(id)","subject":"sub\#(id)","periodStart":"2026-03-01T00:00:00Z""#

private func batch(series: String = "", consumption: String = "") -> String {
    #"{"epoch":1,"sequence":1,"final":false,"series":[\#(series)],"consumption":[\#(consumption)]}"#
}

@Suite struct ReportRefusalTests {
    private func places(_ read: () throws -> Void) throws -> [String] {
        try #require(throws: TurnpikeError.self) { try read() }.faults.map { "\($0.pointer) \($0.rule.rawValue)" }
    }

    @Test func `a series without key is one of requests without a valid key`() throws {
        let read = try UsageBatch(json: JSON.parse(batch(series: series)))
        #expect(read.series.map(\.key.apiKey) == [.zero])
    }

    @Test(arguments: [
        (#""statusClass":2"#, #""statusClass":0"#, "/series/0/statusClass range"),
        (#""statusClass":2"#, #""statusClass":6"#, "/series/0/statusClass range"),
        (#""minute":1"#, #""minute":-1"#, "/series/0/minute range"),
        (#""requests":1"#, #""requests":-1"#, "/series/0/requests range"),
        (#""requests":1"#, #""requests":9007199254740993"#, "/series/0/requests range"),
        (#""bytesIn":0"#, #""bytesIn":0.5"#, "/series/0/bytesIn type"),
        (#""bytesOut":0,"#, "", "/series/0/bytesOut required"),
        (#""units":1"#, #""units":1,"extra":1"#, "/series/0/extra unknown"),
        (#""tenant":"ten"#, #""tenant":"key"#, "/series/0/tenant format"),
        (#""route":"rte"#, #""key":"key_1","route":"rte"#, "/series/0/key format"),
    ])
    func `a series that is not right is named`(part: String, changed: String, place: String) throws {
        let broken = series.split(separator: part, maxSplits: 1, omittingEmptySubsequences: false).joined(
            separator: changed)
        #expect(broken != series)
        #expect(try places { _ = try UsageBatch(json: JSON.parse(batch(series: broken))) } == [place])
    }

    @Test(arguments: [
        (#"{\#(lease),"consumed":1}"#, "/consumption/0/released required"),
        (#"{\#(lease),"consumed":-1,"released":0}"#, "/consumption/0/consumed range"),
        (
            #"{"quota":"quo\#(id)","subject":"sub\#(id)","consumed":0,"released":0}"#,
            "/consumption/0/periodStart required"
        ),
        (
            #"{"quota":"quo\#(id)","subject":"sub\#(id)","periodStart":"today","consumed":0,"released":0}"#,
            "/consumption/0/periodStart format"
        ),
        (
            #"{"quota":"quo\#(id)","subject":"","periodStart":"2026-03-01T00:00:00Z","consumed":0,"released":0}"#,
            "/consumption/0/subject length"
        ),
        (
            #"{"quota":"","subject":"sub\#(id)","periodStart":"2026-03-01T00:00:00Z","consumed":0,"released":0}"#,
            "/consumption/0/quota length"
        ),
        (
            #"{"quota":"quo\#(id)","subject":"ten\#(id)","periodStart":"2026-03-01T00:00:00Z","consumed":0,"released":0}"#,
            "/consumption/0/subject format"
        ),
    ])
    func `a lease's totals that are not right are named`(consumption: String, place: String) throws {
        #expect(try places { _ = try UsageBatch(json: JSON.parse(batch(consumption: consumption))) } == [place])
    }

    @Test func `a batch of more entries than allowed is refused`() throws {
        let many = Array(repeating: series, count: UsageBatch.maximumEntries + 1).joined(separator: ",")
        #expect(try places { _ = try UsageBatch(json: JSON.parse(batch(series: many))) } == ["/series length"])
    }

    @Test(arguments: [
        (#"{"epoch":1,"wants":[]}"#, "/wants length"), (#"{"epoch":1}"#, "/wants required"),
        (#"{"epoch":0,"wants":[{"quota":"quo\#(id)","subject":"sub\#(id)","demand":0,"held":0}]}"#, "/epoch range"),
        (
            #"{"epoch":1,"wants":[{"quota":"quo\#(id)","subject":"sub\#(id)","demand":-1,"held":0}]}"#,
            "/wants/0/demand range"
        ),
    ])
    func `a request for leases that is not right is named`(text: String, place: String) throws {
        #expect(try places { _ = try LeaseRequest(json: JSON.parse(text)) } == [place])
    }

    @Test(arguments: [
        (#"{"revision":1,"outcome":"maybe","reasons":[]}"#, "/outcome choice"),
        (#"{"revision":-1,"outcome":"applied"}"#, "/revision range"),
        (#"{"revision":1,"outcome":"rejected"}"#, "/reasons conflict"),
        (#"{"revision":1,"outcome":"rejected","reasons":[{"name":"nothing","detail":"x"}]}"#, "/reasons/0/name format"),
        (
            #"{"revision":1,"outcome":"rejected","reasons":[{"name":"route/a/b","detail":""}]}"#,
            "/reasons/0/detail length"
        ),
    ])
    func `an acknowledgement that is not right is named`(text: String, place: String) throws {
        #expect(try places { _ = try Acknowledgement(json: JSON.parse(text)) }.contains(place))
    }

    @Test(arguments: [
        (#"{"kind":"toaster"}"#, ["/kind choice"]), (#"{"kind":"gateway","name":"a b"}"#, ["/name format"]),
        (#"{"kind":"gateway","credential":"x"}"#, ["/credential unknown"]), ("{}", ["/kind required"]),
    ])
    func `a registration that is not right is named`(text: String, expected: [String]) throws {
        #expect(try places { _ = try Registration(json: JSON.parse(text)) } == expected)
    }

    @Test(arguments: 0..<50)
    func `every batch survives the wire`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let id = { ResourceID.generate(at: Timestamp(seconds: 1_800_000_000), using: &random) }
        let (ids, counts) = (
            (0..<6).map { _ in id() }, (0..<8).map { _ in Int64.random(in: 0...(1 << 53), using: &random) }
        )
        let batch = UsageBatch(
            epoch: Int64.random(in: 1 ... .max, using: &random), sequence: Int64.random(in: 1 ... .max, using: &random),
            isFinal: Bool.random(using: &random),
            series: [
                UsageSeries(
                    key: SeriesKey(
                        tenant: ids[0], apiKey: Bool.random(using: &random) ? .zero : ids[1], route: ids[2],
                        statusClass: UInt8.random(in: 1...5, using: &random),
                        minute: Int64.random(in: 0...100_000_000, using: &random)
                    ),
                    counters: UsageCounters(
                        requests: counts[0], bytesIn: counts[1], bytesOut: counts[2], units: counts[3])
                )
            ],
            consumption: [
                .init(
                    key: LeaseKey(
                        quota: ids[3], subject: ids[4], periodStart: Timestamp(milliseconds: counts[4] % (1 << 47))),
                    consumed: counts[5], released: counts[6]
                )
            ]
        )
        #expect(try UsageBatch(json: JSON.parse(batch.json.text)) == batch, "seed \(seed)")
    }
}
