// SPDX-License-Identifier: Apache-2.0

public import TurnpikeMetering

/// Where usage is written down so that it survives the process. Called on the loop's thread, for every request: must
/// neither block nor wait.
public protocol UsageRecorder: AnyObject {
    /// False when there is no room: the gateway refuses requests (503 `overloaded`) rather than lose count.
    var canRecord: Bool { get }
    /// Adds to a series. Of requests admitted while there was room this must succeed: keep room for those in flight.
    func record(_ key: SeriesKey, _ counters: UsageCounters)
    /// Adds units spent of a lease. Called before the request is forwarded.
    func recordConsumption(_ key: LeaseKey, units: Int64)
    /// Adds units of a lease given back unused.
    func recordRelease(_ key: LeaseKey, units: Int64)
}
