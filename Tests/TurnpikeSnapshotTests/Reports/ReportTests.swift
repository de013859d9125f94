// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeMetering
import TurnpikeModel
import TurnpikeSnapshot

@Suite struct ReportTests {
    private let leaseKey = LeaseKey(
        quota: ResourceID(high: 1, low: 1), subject: ResourceID(high: 2, low: 2),
        periodStart: Timestamp(seconds: 1_800_000_000))

    @Test func `a usage batch survives the wire`() throws {
        let batch = UsageBatch(
            epoch: 1_800_000_000_123, sequence: 4, isFinal: true,
            series: [
                UsageSeries(
                    key: SeriesKey(
                        tenant: ResourceID(high: 1, low: 0), apiKey: .zero, route: ResourceID(high: 3, low: 0),
                        statusClass: 4, minute: 30_000_000),
                    counters: UsageCounters(requests: 3, bytesIn: 2, bytesOut: 1, units: 0)),
                UsageSeries(
                    key: SeriesKey(
                        tenant: ResourceID(high: 1, low: 0), apiKey: ResourceID(high: 9, low: 9),
                        route: ResourceID(high: 3, low: 0), statusClass: 2, minute: 30_000_001),
                    counters: UsageCounters(requests: 1 << 53, bytesIn: 0, bytesOut: 0, units: 1 << 53)),
            ],
            consumption: [.init(key: leaseKey, consumed: 10, released: 2)]
        )
        #expect(try UsageBatch(json: JSON.parse(batch.json.text)) == batch)
        let receipt = UsageReceipt(epoch: 1, sequence: 0)
        #expect(try UsageReceipt(json: receipt.json) == receipt)
    }

    @Test func `lease requests and grants survive the wire`() throws {
        let request = LeaseRequest(
            epoch: 5, wants: [.init(quota: leaseKey.quota, subject: leaseKey.subject, demand: 7, held: 1)])
        #expect(try LeaseRequest(json: JSON.parse(request.json.text)) == request)
        let grant = LeaseGrant(
            key: leaseKey, periodEnd: Timestamp(seconds: 1_800_003_600), granted: 77, isExhausted: false)
        #expect(try LeaseGrant.grants(in: JSON.parse(LeaseGrant.json(of: [grant]).text)) == [grant])
    }

    @Test func `acknowledgements, registrations and identities survive the wire`() throws {
        let rejection = Acknowledgement(
            revision: 3, reasons: [.init(name: CompiledName(.route, tenant: "a", name: "r"), detail: "no cluster")])
        #expect(try Acknowledgement(json: rejection.json) == rejection)
        #expect(try Acknowledgement(json: Acknowledgement(revision: 3).json).isApplied)
        let registration = Registration(name: nil, role: .gateway, version: "1")
        #expect(try Registration(json: registration.json) == registration)
        let identity = WorkerIdentity(
            id: "wrk_x", name: "w", credential: "tp_wrk_x", issuedAt: Timestamp(seconds: 1),
            expiresAt: Timestamp(seconds: 2))
        #expect(try WorkerIdentity(json: identity.json) == identity)
    }

    @Test func `a request for the sealing key and its answer survive the wire`() throws {
        let request = SealingKeyRequest(publicKey: "AAAA")
        #expect(try SealingKeyRequest(json: JSON.parse(request.json.text)) == request)
        let (one, two) = (SealedSealingKey(id: "00", sealedKey: "AAAA"), SealedSealingKey(id: "01", sealedKey: "BBBB"))
        for answer in [SealingKeyAnswer(one), SealingKeyAnswer(two, former: [one])] {
            #expect(try SealingKeyAnswer(json: JSON.parse(answer.json.text)) == answer)
        }
        // Gateways of before know of one key only.
        #expect(SealingKeyAnswer(one).json["former"] == nil)
        for body in [[:], ["publicKey": ""], ["publicKey": "AAAA", "more": 1]] as [JSON] {
            #expect(throws: TurnpikeError.self) { try SealingKeyRequest(json: body) }
        }
    }

    @Test(arguments: [nil, "eu-a"])
    func `what a worker says of itself survives the wire`(zone: String?) throws {
        let announcement = WorkerAnnouncement(
            version: "1", capabilities: ["quota", "unheard"], addresses: ["10.0.0.1:80"], zone: zone)
        #expect(try WorkerAnnouncement(json: JSON.parse(announcement.json.text)) == announcement)
        #expect(announcement.json["zone"]?.string == zone)
        #expect(throws: TurnpikeError.self) { try WorkerAnnouncement(json: ["zone": "not a name"]) }
    }

    @Test(arguments: [
        #"{"epoch":0,"sequence":1,"final":false,"series":[],"consumption":[]}"#,
        #"{"epoch":1,"sequence":0,"final":false,"series":[],"consumption":[]}"#,
        #"{"epoch":1,"sequence":1,"series":[],"consumption":[]}"#,
        #"{"epoch":1,"sequence":1,"final":false,"series":[{"statusClass":9}],"consumption":[]}"#,
        #"{"epoch":1,"sequence":1,"final":false,"series":[],"consumption":[],"more":1}"#,
    ])
    func `a batch that is not understood whole is refused`(text: String) {
        #expect(throws: TurnpikeError.self) { try UsageBatch(json: JSON.parse(text)) }
    }

    @Test func `an acknowledgement cannot be applied and have reasons`() {
        #expect(throws: TurnpikeError.self) {
            try Acknowledgement(json: ["revision": 1, "outcome": "rejected", "reasons": []])
        }
    }
}
