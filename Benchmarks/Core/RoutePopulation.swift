// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel
import TurnpikeSnapshot

/// Routes of all kinds, in groups of ten, and a request that each of them takes: what finding a route among few costs, and among
/// many.
struct RoutePopulation {
    /// A multiple of ten.
    let count: Int

    /// Groups of one host at most.
    private static let groupsOfHost = 10

    /// In an order in which neighbours have nothing to do with each other.
    var requests: [String] {
        let requests = (0..<count / 10).flatMap(requests(ofGroup:))
        // A prime, so that each comes once.
        return requests.indices.map { requests[$0 * 7919 % requests.count] }
    }

    private func host(ofGroup group: Int) -> String { "h\(group / Self.groupsOfHost).acme.test" }

    /// In the order of the routes.
    private func requests(ofGroup group: Int) -> [String] {
        func request(_ line: String, host: String? = nil, _ fields: String = "") -> String {
            "\(line) HTTP/1.1\r\nHost: \(host ?? self.host(ofGroup: group))\r\n\(fields)\r\n"
        }
        return [
            request("GET /g\(group)/status"),
            request("GET /g\(group)/orders/7"),
            request("GET /g\(group)/orders/7/items/3"),
            request("GET /g\(group)/files/2026/11/report.pdf"),
            request("GET /g\(group)/orders"),
            request("POST /g\(group)/orders", "Content-Length: 0\r\n"),
            request("GET /g\(group)/orders/7", "X-Version: 2\r\n"),
            request("GET /g\(group)/files/list?page=2"),
            request("GET /any", host: "a.w\(group).acme.test"),
            request("GET /g\(group)/v1/thing"),
        ]
    }

    var routes: [CompiledRoute] { (0..<count / 10).flatMap(routes(ofGroup:)) }

    private func routes(ofGroup group: Int) -> [CompiledRoute] {
        let paths: [PathMatch] = [
            .exact("/g\(group)/status"), .template("/g\(group)/orders/{id}"),
            .template("/g\(group)/orders/{id}/items/{item}"), .prefix("/g\(group)/files"),
            .exact("/g\(group)/orders"), .exact("/g\(group)/orders"), .template("/g\(group)/orders/{id}"),
            .prefix("/g\(group)/files/list"), .prefix("/"), .regex("/g\(group)/v[0-9]+/thing"),
        ]
        return paths.enumerated().map { place, path in
            let number = group * 10 + place
            var route = CompiledRoute(
                tenant: "acme", name: "r\(number)", id: ResourceID(high: 20, low: UInt64(number)),
                tenantID: CoreExchange.tenant,
                hosts: [place == 8 ? "*.w\(group).acme.test" : host(ofGroup: group)], paths: [path],
                methods: [4: ["GET"], 5: ["POST"]][place] ?? [], priority: 0, requiresKey: false,
                backends: [.init(cluster: "orders", weight: 1)])
            if place == 6 { route.headers = [ValueMatch(name: "x-version", rule: .exact("2"))] }
            if place == 7 { route.query = [ValueMatch(name: "page", rule: .present(true))] }
            return route
        }
    }
}
