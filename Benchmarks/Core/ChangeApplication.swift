// SPDX-License-Identifier: Apache-2.0

import TurnpikeMetering
import TurnpikeModel
import TurnpikeProxyCore
import TurnpikeSnapshot

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// What it takes a gateway to apply a change, by how many routes the tenant has: `/v1/r0/…`, `/v1/r1/…` and so on, of one host and
/// one service. Sizes take turns, so that what else the machine does falls on all of them.
struct ChangeApplication {
    private enum Subject: CaseIterable {
        case route, manyRoutes, comingAndGoing, service, rateLimit, limitForAll, limitOfOne

        var title: String {
            switch self {
            case .route: "a route's path changes"
            case .manyRoutes: "paths of \(most) routes (of all, where there are fewer) change at once"
            case .comingAndGoing: "a route comes, or goes"
            case .service: "the service of all routes changes"
            case .rateLimit: "a limit for all routes changes"
            case .limitForAll: "a limit for all routes comes, or goes"
            case .limitOfOne: "a limit that names a route comes, or goes"
            }
        }
    }

    static let sizes = [10, 1_000, 100_000]
    /// Routes that change at once.
    private static let most = 1_000

    /// - Parameter rounds: changes of each kind to each tenant.
    static func measure(rounds: Int) throws {
        var subjects: [TenantUnderChange] = []
        for size in sizes {
            var loading: Duration = .zero
            let subject = try TenantUnderChange(routes: size, loading: &loading)
            print("\(size) routes: taken as a whole in \(milliseconds(loading)) ms")
            subjects.append(subject)
        }
        for kind in Subject.allCases {
            var taken = [[Duration]](repeating: [], count: sizes.count)
            for number in 0..<rounds {
                for place in sizes.indices {
                    taken[place].append(try subjects[place].apply(change(kind, number, sizes[place])))
                }
            }
            print("\(kind.title), ms:")
            let base = taken[0].sorted()[taken[0].count / 2]
            for (size, times) in zip(sizes, taken) {
                let sorted = times.sorted()
                let median = sorted[sorted.count / 2]
                let spread = [sorted[0], median, sorted[(sorted.count - 1) * 99 / 100], sorted[sorted.count - 1]]
                print(
                    "  \(size) routes: count \(sorted.count), min, median, p99, max "
                        + spread.map(milliseconds).joined(separator: ", ")
                        + "; \(rounded(median / base, by: 10)) to \(sizes[0]) routes")
            }
        }
    }

    private static func change(
        _ kind: Subject, _ number: Int, _ size: Int
    ) -> (set: [CompiledResource], removed: [CompiledName]) {
        switch kind {
        case .route: return ([TenantUnderChange.route(number * 7919 % size, path: "changed-\(number)")], [])
        case .manyRoutes:
            let routes = (0..<min(most, size)).map { place in
                TenantUnderChange.route((number * most + place) * 7919 % size, path: "many-\(number)")
            }
            return (routes, [])
        case .comingAndGoing:
            let route = TenantUnderChange.route(size, path: "new")
            return number % 2 == 0 ? ([route], []) : ([], [route.name])
        case .service: return ([TenantUnderChange.service(port: 1000 + number)], [])
        case .rateLimit: return ([TenantUnderChange.rateLimit(100 + Int64(number))], [])
        case .limitForAll:
            let limit = TenantUnderChange.rateLimit(named: "all", 5)
            return number % 2 == 0 ? ([limit], []) : ([], [limit.name])
        case .limitOfOne:
            let limit = TenantUnderChange.rateLimit(named: "single", 5, routes: ["r\(number / 2 * 7919 % size)"])
            return number % 2 == 0 ? ([limit], []) : ([], [limit.name])
        }
    }

    private static func milliseconds(_ duration: Duration) -> String { rounded(duration / .milliseconds(1), by: 1000) }

    private static func rounded(_ value: Double, by unit: Double) -> String { "\((value * unit).rounded() / unit)" }
}

/// A gateway that serves one tenant.
private final class TenantUnderChange {
    private var state = GatewayState(hashSeed: 7)
    private let gateway = Gateway(recorder: NoUsage(), observer: nil, seed: 7, digest: { _ in nil })
    private var revision: Revision = 1

    init(routes: Int, loading: inout Duration) throws {
        let resources =
            (0..<routes).map { Self.route($0, path: "first") } + [Self.service(port: 80), Self.rateLimit(1)]
        loading = try apply((resources, []), isSnapshot: true)
    }

    /// - Returns: how long that took.
    func apply(
        _ change: (set: [CompiledResource], removed: [CompiledName]), isSnapshot: Bool = false
    ) throws -> Duration {
        revision += 1
        let delta = Delta(revision: revision, isSnapshot: isSnapshot, set: change.set, removed: change.removed)
        let start = Self.processorTime
        _ = gateway.apply(try state.apply(delta))
        return Self.processorTime - start
    }

    /// Of this process, whatever else the machine does.
    private static var processorTime: Duration {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
    }

    static func route(_ number: Int, path: String) -> CompiledResource {
        .route(
            CompiledRoute(
                tenant: "acme", name: "r\(number)", id: ResourceID(high: 20, low: UInt64(number)),
                tenantID: CoreExchange.tenant, hosts: ["api.acme.test"], paths: [.prefix("/v1/r\(number)/\(path)")],
                methods: ["GET"], priority: 0, requiresKey: true, backends: [.init(cluster: "orders", weight: 1)]))
    }

    static func service(port: Int) -> CompiledResource {
        .cluster(
            CompiledCluster(
                tenant: "acme", name: "orders", id: ResourceID(high: 11, low: 1),
                endpoints: [.init(host: "10.0.0.1", port: port, weight: 1)], connectTimeout: .seconds(1),
                responseTimeout: .seconds(5)))
    }

    static func rateLimit(named name: String = "burst", _ limit: Int64, routes: [String] = []) -> CompiledResource {
        .rateLimit(
            CompiledRateLimit(
                tenant: "acme", name: name, id: ResourceID(high: 13, low: UInt64(name.utf8.count)), per: .key,
                limit: limit, interval: .seconds(1), burst: limit, selector: RouteSelector(routes: routes)))
    }
}

private final class NoUsage: UsageRecorder {
    let canRecord = true

    func record(_ key: SeriesKey, _ counters: UsageCounters) {}
    func recordConsumption(_ key: LeaseKey, units: Int64) {}
    func recordRelease(_ key: LeaseKey, units: Int64) {}
}
