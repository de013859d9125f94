// SPDX-License-Identifier: Apache-2.0

public import TurnpikeModel

/// One life of one event loop's counting: the time at which it began in milliseconds since 1970, raised where needed so that
/// of one worker no two loops and no two boots share a number. Every series counts from zero in every epoch.
public typealias Epoch = Int64

/// What a count is about. Ids, not names: a name may be given to another resource, an id never.
public struct SeriesKey: Sendable, Hashable {
    public var tenant: ResourceID
    /// `.zero` for requests without a valid key.
    public var apiKey: ResourceID
    public var route: ResourceID
    /// 1 to 5: the first digit of the status that the client got.
    public var statusClass: UInt8
    /// Minutes since 1970-01-01T00:00Z.
    public var minute: Int64

    public init(tenant: ResourceID, apiKey: ResourceID, route: ResourceID, statusClass: UInt8, minute: Int64) {
        self.tenant = tenant
        self.apiKey = apiKey
        self.route = route
        self.statusClass = statusClass
        self.minute = minute
    }
}

/// What is counted in a series. Totals since the epoch began, never differences: a message that is repeated, reordered
/// or lost changes nothing, since the larger total is always the truer one.
public struct UsageCounters: Sendable, Hashable {
    /// Requests answered, refusals by the gateway among them.
    public var requests: Int64
    /// Bytes of request heads and bodies taken from clients.
    public var bytesIn: Int64
    /// Bytes of response heads and bodies given to clients.
    public var bytesOut: Int64
    /// Requests that the gateway admitted: what quotas and prices count.
    public var units: Int64

    public init(requests: Int64 = 0, bytesIn: Int64 = 0, bytesOut: Int64 = 0, units: Int64 = 0) {
        self.requests = requests
        self.bytesIn = bytesIn
        self.bytesOut = bytesOut
        self.units = units
    }

    /// Adds. A count that would pass 2⁶³ − 1 stays there: a worker's wild report must not bring a process down.
    public static func += (a: inout UsageCounters, b: UsageCounters) {
        a.requests = a.requests.addingClamped(b.requests)
        a.bytesIn = a.bytesIn.addingClamped(b.bytesIn)
        a.bytesOut = a.bytesOut.addingClamped(b.bytesOut)
        a.units = a.units.addingClamped(b.units)
    }

    /// The merge of two reports of one series: idempotent, commutative, monotonic.
    public func merged(with other: UsageCounters) -> UsageCounters {
        UsageCounters(
            requests: max(requests, other.requests), bytesIn: max(bytesIn, other.bytesIn),
            bytesOut: max(bytesOut, other.bytesOut), units: max(units, other.units)
        )
    }
}

public struct UsageSeries: Sendable, Hashable {
    public var key: SeriesKey
    public var counters: UsageCounters

    public init(key: SeriesKey, counters: UsageCounters) {
        self.key = key
        self.counters = counters
    }
}

extension Int64 {
    /// The sum of two counts, neither of them negative.
    fileprivate func addingClamped(_ other: Int64) -> Int64 {
        let (sum, overflows) = addingReportingOverflow(other)
        return overflows ? .max : sum
    }
}
