// SPDX-License-Identifier: Apache-2.0

public import TurnpikeMetering
public import TurnpikeModel

/// Usage and lease totals on their way up (`POST /v1/workers/{id}/usage`). A batch is named (worker, epoch, sequence)
/// and taken once; since it carries totals, taking it twice would change nothing either.
public struct UsageBatch: Sendable, Hashable {
    public struct Consumption: Sendable, Hashable {
        public var key: LeaseKey
        /// Units spent in this epoch so far.
        public var consumed: Int64
        /// Units given back in this epoch so far.
        public var released: Int64

        public init(key: LeaseKey, consumed: Int64, released: Int64) {
            self.key = key
            self.consumed = consumed
            self.released = released
        }
    }

    public var epoch: Epoch
    /// 1, 2, 3 … within the epoch.
    public var sequence: Int64
    /// Whether the epoch is over and this is all of it: what its leases did not spend is free again.
    public var isFinal: Bool
    /// At most 10,000.
    public var series: [UsageSeries]
    /// At most 10,000.
    public var consumption: [Consumption]

    /// Series and consumption together: what taking it costs.
    public var entryCount: Int { series.count + consumption.count }

    public static let maximumEntries = 10_000
    /// The largest count taken, 2⁵³: far above what a minute can hold, and low enough for a thousand such to add up
    /// without overflow, so that no wild report makes a tenant's sums impossible.
    public static let maximumCount: Int64 = 1 << 53

    public init(epoch: Epoch, sequence: Int64, isFinal: Bool, series: [UsageSeries], consumption: [Consumption]) {
        self.epoch = epoch
        self.sequence = sequence
        self.isFinal = isFinal
        self.series = series
        self.consumption = consumption
    }

    public var json: JSON {
        [
            "epoch": .integer(epoch), "sequence": .integer(sequence), "final": .bool(isFinal),
            "series": .array(series.map(\.json)), "consumption": .array(consumption.map(\.json)),
        ]
    }

    public init(json: JSON) throws(TurnpikeError) {
        var fields = FieldReader(json, source: .storage)
        epoch = fields.integer("epoch", in: 1...Int64.max)
        sequence = fields.integer("sequence", in: 1...Int64.max)
        isFinal = fields.bool("final")
        series = fields.list("series", count: 0...UsageBatch.maximumEntries) { UsageSeries(reading: &$0) }
        consumption = fields.list("consumption", count: 0...UsageBatch.maximumEntries) { Consumption(reading: &$0) }
        fields.finish()
        guard fields.faults.isEmpty else { throw .invalid(fields.faults) }
    }
}

/// The control plane's receipt: all of the epoch up to this sequence is durable, and the worker may let go of it.
public struct UsageReceipt: Sendable, Hashable {
    public var epoch: Epoch
    public var sequence: Int64

    public init(epoch: Epoch, sequence: Int64) {
        self.epoch = epoch
        self.sequence = sequence
    }

    public var json: JSON { ["epoch": .integer(epoch), "sequence": .integer(sequence)] }

    public init(json: JSON) throws(TurnpikeError) {
        var fields = FieldReader(json, source: .storage)
        epoch = fields.integer("epoch", in: 1...Int64.max)
        sequence = fields.integer("sequence", in: 0...Int64.max)
        fields.finish()
        guard fields.faults.isEmpty else { throw .invalid(fields.faults) }
    }
}

extension UsageSeries {
    var json: JSON {
        .object(
            JSONObject([
                "tenant": .string(key.tenant.text(prefix: Kind.tenant.idPrefix)),
                "key": key.apiKey == .zero ? nil : .string(key.apiKey.text(prefix: Kind.apiKey.idPrefix)),
                "route": .string(key.route.text(prefix: Kind.route.idPrefix)),
                "statusClass": .integer(Int64(key.statusClass)), "minute": .integer(key.minute),
                "requests": .integer(counters.requests), "bytesIn": .integer(counters.bytesIn),
                "bytesOut": .integer(counters.bytesOut), "units": .integer(counters.units),
            ]))
    }

    init(reading fields: inout FieldReader) {
        let apiKey = fields.has("key") ? fields.id("key", .apiKey) : .zero
        let counts = 0...UsageBatch.maximumCount
        self.init(
            key: SeriesKey(
                tenant: fields.id("tenant", .tenant), apiKey: apiKey, route: fields.id("route", .route),
                statusClass: UInt8(fields.integer("statusClass", in: 1...5).clamped(to: 1...5)),
                minute: fields.integer("minute", in: 0...Int64.max / 60_000)
            ),
            counters: UsageCounters(
                requests: fields.integer("requests", in: counts), bytesIn: fields.integer("bytesIn", in: counts),
                bytesOut: fields.integer("bytesOut", in: counts), units: fields.integer("units", in: counts)
            )
        )
    }
}

extension UsageBatch.Consumption {
    var json: JSON {
        .object(key.members.merging(["consumed": .integer(consumed), "released": .integer(released)]))
    }

    init(reading fields: inout FieldReader) {
        self.init(
            key: LeaseKey(reading: &fields), consumed: fields.integer("consumed", in: 0...UsageBatch.maximumCount),
            released: fields.integer("released", in: 0...UsageBatch.maximumCount)
        )
    }
}

extension Int64 {
    fileprivate func clamped(to range: ClosedRange<Int64>) -> Int64 {
        Swift.min(Swift.max(self, range.lowerBound), range.upperBound)
    }
}
