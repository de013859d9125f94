// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import TurnpikeProxyCore

@Suite struct UpstreamDirectoryTests {
    private let second: UInt64 = 1_000_000_000
    private let address = EndpointAddress(host: "origin.test", port: 80)

    private func opened(_ directory: inout UpstreamDirectory, _ endpoint: Int) throws -> UpstreamID {
        guard case .connect(let id) = directory.checkOut(endpoint, idleTime: 60 * second, mayReuse: false, now: 0)
        else { throw Unexpected() }
        return id
    }

    private struct Unexpected: Error {}

    @Test func `the connection given back last is used first`() throws {
        var directory = UpstreamDirectory()
        let endpoint = directory.endpoint(at: address)
        let ids = try (0..<3).map { _ in try opened(&directory, endpoint) }
        for id in ids { #expect(directory.giveBack(id, idleTime: 60 * second, now: 0) == true) }
        #expect(directory.idleCount == 3)
        #expect(directory.checkOut(endpoint, idleTime: 60 * second, now: 0) == .reuse(ids[2]))
        #expect(directory.checkOut(endpoint, idleTime: 60 * second, now: 0) == .reuse(ids[1]))
    }

    @Test func `a connection that was closed while idle is not handed out`() throws {
        var directory = UpstreamDirectory()
        let endpoint = directory.endpoint(at: address)
        let ids = try (0..<2).map { _ in try opened(&directory, endpoint) }
        for id in ids { _ = directory.giveBack(id, idleTime: 60 * second, now: 0) }
        directory.removed(ids[1])
        #expect(directory.checkOut(endpoint, idleTime: 60 * second, now: 0) == .reuse(ids[0]))
        #expect(directory.openCount == 1)
    }

    @Test func `saying twice that a connection is gone counts once, even when its slot has a successor`() throws {
        var directory = UpstreamDirectory()
        let endpoint = directory.endpoint(at: address)
        let first = try opened(&directory, endpoint)
        directory.removed(first)
        let next = try opened(&directory, endpoint)
        #expect(next.slot == first.slot && next.serial != first.serial)
        directory.removed(first)
        #expect(directory.openCount == 1)
        #expect(directory.giveBack(next, idleTime: 60 * second, now: 0) == true)
        #expect(directory.giveBack(first, idleTime: 60 * second, now: 0) == false)
    }

    @Test func `an endpoint has no more connections than it may`() throws {
        var directory = UpstreamDirectory(limits: PoolLimits(connections: 2))
        let endpoint = directory.endpoint(at: address)
        let first = try opened(&directory, endpoint)
        _ = try opened(&directory, endpoint)
        #expect(directory.checkOut(endpoint, idleTime: 60 * second, now: 0) == .full)
        directory.removed(first)
        _ = try opened(&directory, endpoint)
    }

    @Test func `connections idle for too long are taken out, oldest first`() throws {
        var directory = UpstreamDirectory()
        let endpoint = directory.endpoint(at: address)
        let ids = try (0..<3).map { _ in try opened(&directory, endpoint) }
        for (now, id) in zip([0, 5, 9] as [UInt64], ids) { _ = directory.giveBack(id, idleTime: 10, now: now) }
        #expect(directory.takeExpired(now: 9).isEmpty)
        #expect(directory.takeExpired(now: 15) == Array(ids[..<2]))
        #expect(directory.checkOut(endpoint, idleTime: 60 * second, now: 18) == .reuse(ids[2]))
        #expect(directory.openCount == 1)
    }

    @Test func `each service's idle connections expire when it says, whoever came first`() throws {
        var directory = UpstreamDirectory()
        let endpoint = directory.endpoint(at: address)
        let ids = try (0..<3).map { _ in try opened(&directory, endpoint) }
        for (idleTime, id) in zip([20, 5, 10] as [UInt64], ids) {
            _ = directory.giveBack(id, idleTime: idleTime, now: 0)
        }
        #expect(directory.takeExpired(now: 12) == Array(ids[1...]))
        #expect(directory.takeExpired(now: 19).isEmpty && directory.takeExpired(now: 20) == [ids[0]])
    }

    @Test(arguments: [(4, 60), (60, 4)] as [(UInt64, UInt64)])
    func `a connection that has waited for too long is not used again, though nobody has closed it yet`(
        giver: UInt64, taker: UInt64
    ) throws {
        var directory = UpstreamDirectory()
        let endpoint = directory.endpoint(at: address)
        let ids = try (0..<2).map { _ in try opened(&directory, endpoint) }
        for id in ids { _ = directory.giveBack(id, idleTime: giver * second, now: 0) }
        #expect(directory.checkOut(endpoint, idleTime: taker * second, now: 4 * second - 1) == .reuse(ids[1]))
        #expect(directory.checkOut(endpoint, idleTime: taker * second, now: 4 * second) == .stale)
        #expect(directory.takeIdle(of: endpoint) == [ids[0]] && directory.openCount == 1)
        guard case .connect = directory.checkOut(endpoint, idleTime: taker * second, now: 4 * second) else {
            throw Unexpected()
        }
    }

    @Test func `an endpoint that cannot be reached is left out for one second, then for longer, up to thirty`() throws {
        var directory = UpstreamDirectory()
        let endpoint = directory.endpoint(at: address)
        var now: UInt64 = 0
        for pause in [1, 2, 4, 8, 16, 30, 30] as [UInt64] {
            directory.connectFailed(try opened(&directory, endpoint), now: now)
            #expect(!directory.isAvailable(endpoint, now: now + pause * second - 1))
            now += pause * second
            #expect(directory.isAvailable(endpoint, now: now))
        }
        directory.connected(try opened(&directory, endpoint), now: now)
        directory.connectFailed(try opened(&directory, endpoint), now: now)
        #expect(directory.isAvailable(endpoint, now: now + second))
    }

    @Test func `connections that fail at once are one failure`() throws {
        var directory = UpstreamDirectory()
        let endpoint = directory.endpoint(at: address)
        let ids = try (0..<5).map { _ in try opened(&directory, endpoint) }
        for id in ids { directory.connectFailed(id, now: 0) }
        #expect(directory.isAvailable(endpoint, now: second))
        #expect(directory.openCount == 0)
    }

    @Test func `endpoints that no service has any more lose their connections, and get them back if they return`()
        throws
    {
        var directory = UpstreamDirectory()
        let endpoint = directory.endpoint(at: address)
        let idle = try opened(&directory, endpoint)
        let busy = try opened(&directory, endpoint)
        _ = directory.giveBack(idle, idleTime: 60 * second, now: 0)
        #expect(directory.retire(endpoint) == [idle])
        #expect(directory.giveBack(busy, idleTime: 60 * second, now: 0) == false)
        directory.removed(busy)
        #expect(directory.endpoint(at: address) == endpoint)
        let again = try opened(&directory, endpoint)
        #expect(directory.giveBack(again, idleTime: 60 * second, now: 0) == true)
    }
}
