// SPDX-License-Identifier: Apache-2.0

import NIOCore
import TurnpikeModel

/// Something that a large tenant's operators do again and again.
struct Disturbance: Sendable {
    var name: String
    var clients = 1
    /// What is an answer to be reckoned with.
    var expected: Set<Int> = [200, 201, 204]
    /// One of the requests; `number` grows for each client.
    var request: @Sendable (_ client: Int, _ number: Int) -> (method: String, target: String, body: String?)

    /// Does it for a time.
    ///
    /// - Returns: how often.
    func run(by apis: [API], for time: Duration) async throws -> Int {
        let end = ContinuousClock.now + time
        return try await withThrowingTaskGroup(of: Int.self) { group in
            for (client, api) in apis.prefix(clients).enumerated() {
                group.addTask {
                    var number = 0
                    while ContinuousClock.now < end {
                        let (method, target, body) = request(client, number)
                        let bytes = RequestText.make(
                            method, target, token: api.token, bytes: body.map { Array($0.utf8) })
                        let answer = try await api.connection.exchange(bytes, keepsBody: false)
                        guard expected.contains(answer.status) else {
                            throw API.Refused(what: "\(name): \(method) \(target)", status: answer.status, text: "")
                        }
                        number += 1
                    }
                    return number
                }
            }
            return try await group.reduce(0, +)
        }
    }
}

extension Disturbance {
    /// All that takes the more effort the more routes a tenant has, and the load of many small writes beside them.
    static func all(of tenant: String, routes: Int) -> [Disturbance] {
        let path = "/v1/tenants/\(tenant)"
        let policy = #"{"kind":"rateLimit","per":"key","limit":100,"interval":"1s"}"#
        let one = Self.item("extra", of: tenant)
        return [
            Disturbance(name: "changes of routes, 32 clients", clients: 32) { client, number in
                let route = (client * 7919 + number * 104_729) % routes
                let spec = Population.route(route, of: tenant, path: "changed-\(number)")
                return ("PUT", "\(path)/routes/r\(route)", spec)
            },
            Disturbance(name: "a policy for all routes comes and goes") { _, number in
                number % 2 == 0
                    ? ("PUT", "\(path)/policies/all", policy) : ("DELETE", "\(path)/policies/all", nil)
            },
            Disturbance(name: "dry runs of such a policy", clients: 2) { _, _ in
                ("PUT", "\(path)/policies/all?dryRun=true", policy)
            },
            Disturbance(name: "bundles that prune", clients: 2) { _, _ in
                ("POST", "/v1/apply", #"{"resources":[\#(one)],"prune":{"labels":{"no":"such"}}}"#)
            },
            Disturbance(name: "bundles of 1,000 routes", clients: 2) { client, number in
                let first = (client + 2 * number) % (routes / 1000) * 1000
                let items = (first..<(first + 1000)).map { Self.item("r\($0)", of: tenant, path: "\(number)") }
                return ("POST", "/v1/apply", #"{"resources":[\#(items.joined(separator: ","))]}"#)
            },
            Disturbance(name: "exports", clients: 2) { _, _ in ("GET", "/v1/export?tenant=\(tenant)", nil) },
            Disturbance(name: "deletions of what all routes need", clients: 2, expected: [409]) { _, _ in
                ("DELETE", "\(path)/services/backend", nil)
            },
            Disturbance(name: "lists that find nothing", clients: 2) { _, _ in
                ("GET", "\(path)/routes?label=no%3Asuch", nil)
            },
            Disturbance(name: "explanations", clients: 2) { _, number in
                let route = number * 104_729 % routes
                let (host, path) = (Population.host(ofRoute: route, of: tenant), "/v1/r\(route)/first")
                return ("POST", "/v1/explain", #"{"method":"GET","host":"\#(host)","path":"\#(path)"}"#)
            },
        ]
    }

    private static func item(_ route: String, of tenant: String, path: String = "first") -> String {
        let spec = Population.route(Int(route.dropFirst()) ?? 0, of: tenant, path: path)
        return #"{"kind":"route","tenant":"\#(tenant)","name":"\#(route)","spec":\#(spec)}"#
    }
}
