// SPDX-License-Identifier: Apache-2.0

/// All endpoints and upstream connections of one event loop. Endpoints are known by address, so that connections and what
/// was learned about health outlive a change of configuration, and services that share an endpoint share its connections.
public struct UpstreamDirectory: Sendable {
    /// How a request gets a connection.
    public enum Checkout: Sendable, Hashable {
        /// One that served a request before. It may have been closed in the meantime.
        case reuse(UpstreamID)
        case connect(UpstreamID)
        /// All that wait have done so for too long: take them by ``UpstreamDirectory/takeIdle(of:)``, close them, and ask again.
        case stale
        /// The endpoint has as many connections as it may.
        case full
    }

    private struct Endpoint: Sendable {
        var address: EndpointAddress
        var pool = ConnectionPool()
        var health = EndpointHealth()
        /// No service has it any more.
        var isRetired = false
    }

    private struct Slot: Sendable {
        var serial: UInt32
        /// Nil while the slot is free.
        var endpoint: Int?
    }

    public let limits: PoolLimits
    private var endpoints: [Endpoint] = []
    private var byAddress: [EndpointAddress: Int] = [:]
    /// Numbers of endpoints that were forgotten.
    private var freeNumbers: [Int] = []
    private var slots: [Slot] = []
    private var freeSlots: [UInt32] = []

    public init(limits: PoolLimits = PoolLimits()) { self.limits = limits }

    /// Grows each time that an endpoint is left out, or back before its time: who has weighed endpoints by that weighs them
    /// anew.
    private(set) var reachChanges: UInt64 = 0

    /// Connections open or being made.
    public private(set) var openCount = 0
    /// Those that wait for a request.
    public var idleCount: Int { endpoints.reduce(0) { $0 + $1.pool.idleCount } }

    /// Endpoints that are known.
    var endpointCount: Int { byAddress.count }

    /// The number of an endpoint, which it keeps until it is forgotten.
    public mutating func endpoint(at address: EndpointAddress) -> Int {
        if let known = byAddress[address] {
            endpoints[known].isRetired = false
            // What stands beside the address may be new.
            endpoints[known].address = address
            return known
        }
        let number = freeNumbers.popLast() ?? endpoints.count
        if number == endpoints.count {
            endpoints.append(Endpoint(address: address))
        } else {
            endpoints[number] = Endpoint(address: address)
        }
        byAddress[address] = number
        return number
    }

    public func address(of endpoint: Int) -> EndpointAddress { endpoints[endpoint].address }

    func speaksHTTP2(_ endpoint: Int) -> Bool { endpoints[endpoint].address.wire.speaksHTTP2 }

    public func isAvailable(_ endpoint: Int, now: UInt64) -> Bool { endpoints[endpoint].health.isAvailable(now: now) }

    /// Until when the endpoint is left out; 0 for one that is not.
    func outUntil(_ endpoint: Int) -> UInt64 { endpoints[endpoint].health.outUntil }

    /// When the endpoint came back the last time that it was out; 0 where it never was.
    func returned(_ endpoint: Int) -> UInt64 { endpoints[endpoint].health.returnedAt }

    // MARK: - Connections

    /// Connections to the endpoint, open or being made.
    func openCount(of endpoint: Int) -> Int { endpoints[endpoint].pool.openCount }

    /// Those that wait for a request.
    func idleCount(of endpoint: Int) -> Int { endpoints[endpoint].pool.idleCount }

    /// - Parameters:
    ///   - idleTime: nanoseconds; a connection that has waited for so long is not used again, whoever gave it back.
    ///   - mayReuse: false to insist on a new connection.
    ///   - mayConnect: false to insist on one that is there.
    public mutating func checkOut(
        _ endpoint: Int, idleTime: UInt64, mayReuse: Bool = true, mayConnect: Bool = true, now: UInt64
    ) -> Checkout {
        if mayReuse {
            if endpoints[endpoint].pool.isStale(idleTime: idleTime, now: now) { return .stale }
            if let idle = endpoints[endpoint].pool.takeIdle() { return .reuse(idle) }
        }
        guard mayConnect, endpoints[endpoint].pool.open(limits: limits) else { return .full }
        openCount += 1
        if let slot = freeSlots.popLast() {
            slots[Int(slot)].serial &+= 1
            slots[Int(slot)].endpoint = endpoint
            return .connect(UpstreamID(slot: slot, serial: slots[Int(slot)].serial))
        }
        slots.append(Slot(serial: 1, endpoint: endpoint))
        return .connect(UpstreamID(slot: UInt32(slots.count - 1), serial: 1))
    }

    public mutating func connected(_ id: UpstreamID, now: UInt64) {
        guard let endpoint = endpoint(of: id) else { return }
        reached(endpoint, now: now)
    }

    /// A connection could be made, be it none of these.
    mutating func reached(_ endpoint: Int, now: UInt64) {
        if !isAvailable(endpoint, now: now) { reachChanges += 1 }
        endpoints[endpoint].health.connected(now: now)
    }

    /// A connection could not be made; it counts no longer.
    public mutating func connectFailed(_ id: UpstreamID, now: UInt64) {
        guard let endpoint = endpoint(of: id) else { return }
        if isAvailable(endpoint, now: now) { reachChanges += 1 }
        endpoints[endpoint].health.connectFailed(now: now)
        removed(id)
    }

    /// Gives a connection back for the next request.
    ///
    /// - Parameter idleTime: nanoseconds that it may wait.
    /// - Returns: false where it should be closed instead, as its endpoint is no longer used.
    public mutating func giveBack(_ id: UpstreamID, idleTime: UInt64, now: UInt64) -> Bool {
        guard let endpoint = endpoint(of: id), !endpoints[endpoint].isRetired else { return false }
        endpoints[endpoint].pool.giveBack(id, idleTime: idleTime, now: now)
        return true
    }

    /// A connection is gone or is being closed. May be said more than once.
    public mutating func removed(_ id: UpstreamID) {
        guard let endpoint = endpoint(of: id) else { return }
        endpoints[endpoint].pool.remove(id)
        slots[Int(id.slot)].endpoint = nil
        freeSlots.append(id.slot)
        openCount -= 1
    }

    private func endpoint(of id: UpstreamID) -> Int? {
        guard Int(id.slot) < slots.count, slots[Int(id.slot)].serial == id.serial else { return nil }
        return slots[Int(id.slot)].endpoint
    }

    // MARK: - Upkeep

    /// Connections that were idle for too long, for the caller to close. Call it every few seconds.
    public mutating func takeExpired(now: UInt64) -> [UpstreamID] {
        let expired = endpoints.indices.flatMap { endpoints[$0].pool.takeExpired(now: now) }
        for id in expired { removed(id) }
        return expired
    }

    /// No service has this endpoint any more, until one asks for it again.
    ///
    /// - Returns: its idle connections, for the transport to close.
    public mutating func retire(_ endpoint: Int) -> [UpstreamID] {
        endpoints[endpoint].isRetired = true
        return takeIdle(of: endpoint)
    }

    /// The connections that wait, for the caller to close.
    mutating func takeIdle(of endpoint: Int) -> [UpstreamID] {
        let closed = endpoints[endpoint].pool.takeAllIdle()
        for id in closed { removed(id) }
        return closed
    }

    /// Nobody knows the endpoint's number any more, and it has no connections: the number is another's from now on.
    mutating func forget(_ endpoint: Int) {
        byAddress[endpoints[endpoint].address] = nil
        freeNumbers.append(endpoint)
    }
}
