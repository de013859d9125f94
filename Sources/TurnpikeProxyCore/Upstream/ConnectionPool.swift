// SPDX-License-Identifier: Apache-2.0

/// Names one upstream connection of an event loop. Slots are used again, serial numbers are not, so that an event of a
/// connection long gone is never taken for one of its successor.
public struct UpstreamID: Sendable, Hashable, BitwiseCopyable {
    public let slot: UInt32
    public let serial: UInt32

    public init(slot: UInt32, serial: UInt32) {
        self.slot = slot
        self.serial = serial
    }
}

/// How many connections an endpoint may have.
public struct PoolLimits: Sendable, Hashable {
    /// Open connections to one endpoint, at least 1. Default 1,024.
    public var connections: Int
    /// Of those that speak HTTP/2, with `Transport.epoll`.
    public var silence: HTTP2Silence

    public init(connections: Int = 1024, silence: HTTP2Silence = HTTP2Silence()) {
        self.connections = max(connections, 1)
        self.silence = silence
    }
}

/// The connections to one endpoint: which are idle, and how many there are.
///
/// The last one given back is the first to be used again, so that few stay busy and the others age and are closed.
struct ConnectionPool: Sendable {
    private struct Idle: Sendable {
        let id: UpstreamID
        let since: UInt64
        /// Nanoseconds, as who gave it back said.
        let idleTime: UInt64
    }

    private var idle: [Idle] = []
    /// Connections that are there or being made, idle ones among them.
    private(set) var openCount = 0

    var idleCount: Int { idle.count }

    /// Whether there are idle connections, but none that has waited for less than so many nanoseconds: the one that comes next
    /// is the one that came last.
    func isStale(idleTime: UInt64, now: UInt64) -> Bool {
        guard let newest = idle.last else { return false }
        return now >= newest.since.addingClamped(min(newest.idleTime, idleTime))
    }

    /// Takes an idle connection.
    mutating func takeIdle() -> UpstreamID? { idle.popLast()?.id }

    /// Counts a new connection, if there may be one.
    mutating func open(limits: PoolLimits) -> Bool {
        guard openCount < limits.connections else { return false }
        openCount += 1
        return true
    }

    mutating func giveBack(_ id: UpstreamID, idleTime: UInt64, now: UInt64) {
        idle.append(Idle(id: id, since: now, idleTime: idleTime))
    }

    /// A connection is gone, whatever it was doing.
    mutating func remove(_ id: UpstreamID) {
        openCount -= 1
        if let position = idle.lastIndex(where: { $0.id == id }) { idle.remove(at: position) }
    }

    /// Takes out what has been idle for too long, oldest first.
    mutating func takeExpired(now: UInt64) -> [UpstreamID] {
        let hasExpired = { (waiting: Idle) in now >= waiting.since.addingClamped(waiting.idleTime) }
        guard idle.contains(where: hasExpired) else { return [] }
        defer { idle.removeAll(where: hasExpired) }
        return idle.filter(hasExpired).map(\.id)
    }

    mutating func takeAllIdle() -> [UpstreamID] {
        defer { idle.removeAll() }
        return idle.map(\.id)
    }
}
