// SPDX-License-Identifier: Apache-2.0

import TurnpikeMetering
import TurnpikeModel

/// What a slot counts, in the form in which the slot holds it: eight words, the kind in the first.
struct JournalKey: Hashable {
    enum Kind: UInt64 { case usage = 1, consumption = 2 }

    let lanes: SIMD8<UInt64>

    init(lanes: SIMD8<UInt64>) { self.lanes = lanes }

    init(_ key: SeriesKey) {
        lanes = SIMD8(
            Kind.usage.rawValue, key.tenant.high, key.tenant.low, key.apiKey.high, key.apiKey.low, key.route.high,
            key.route.low, UInt64(bitPattern: key.minute) << 8 | UInt64(key.statusClass)
        )
    }

    init(_ key: LeaseKey) {
        lanes = SIMD8(
            Kind.consumption.rawValue, key.quota.high, key.quota.low, key.subject.high, key.subject.low,
            UInt64(bitPattern: key.periodStart.milliseconds), 0, 0
        )
    }

    var kind: Kind? { Kind(rawValue: lanes[0]) }

    /// The series that a usage slot counts.
    var series: SeriesKey {
        SeriesKey(
            tenant: ResourceID(high: lanes[1], low: lanes[2]), apiKey: ResourceID(high: lanes[3], low: lanes[4]),
            route: ResourceID(high: lanes[5], low: lanes[6]), statusClass: UInt8(truncatingIfNeeded: lanes[7]),
            minute: minute
        )
    }

    /// The lease whose spending a consumption slot counts.
    var lease: LeaseKey {
        LeaseKey(
            quota: ResourceID(high: lanes[1], low: lanes[2]), subject: ResourceID(high: lanes[3], low: lanes[4]),
            periodStart: Timestamp(milliseconds: Int64(bitPattern: lanes[5]))
        )
    }

    /// The minute of a usage slot.
    var minute: Int64 { Int64(bitPattern: lanes[7]) >> 8 }

    /// The same series in another minute.
    func inMinute(_ minute: Int64) -> JournalKey {
        var lanes = lanes
        lanes[7] = UInt64(bitPattern: minute) << 8 | lanes[7] & 0xFF
        return JournalKey(lanes: lanes)
    }

    /// The ids are the control plane's, not of a client's choice, so that mixing the words by multiplication is enough before
    /// the hasher, which costs more a word, keeps those that make keys from choosing what collides.
    func hash(into hasher: inout Hasher) {
        var mixed: UInt64 = 0
        for index in 0..<8 { mixed = (mixed ^ lanes[index]) &* 0x9E37_79B9_7F4A_7C15 ^ mixed >> 29 }
        hasher.combine(mixed)
    }

    /// The CRC-32 that a slot carries to prove that its key is whole.
    var checksum: UInt32 {
        var sum = CRC32()
        for index in 0..<8 { sum.take(lanes[index]) }
        return sum.checksum
    }
}

/// A slot's totals: requests, bytes in, bytes out and units; or units consumed and released.
typealias JournalCounters = SIMD4<Int64>

extension UsageCounters {
    var lanes: JournalCounters { SIMD4(requests, bytesIn, bytesOut, units) }

    init(lanes: JournalCounters) {
        self.init(requests: lanes[0], bytesIn: lanes[1], bytesOut: lanes[2], units: lanes[3])
    }
}
