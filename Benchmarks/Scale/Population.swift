// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel

/// Many tenants with as many routes and keys each, as bundles for `POST /v1/apply`.
///
/// Written as text: a million values would cost the benchmark more memory than the control plane has for all of them.
struct Population {
    let tenants: Int
    let routesEach: Int
    let keysEach: Int

    /// - Parameters:
    ///   - routes, keys: over all tenants; each tenant gets an equal share.
    init(tenants: Int, routes: Int, keys: Int) {
        self.tenants = tenants
        routesEach = routes / tenants
        keysEach = keys / tenants
    }

    var resources: Int { tenants * (2 + routesEach + keysEach) }

    static func tenant(_ number: Int) -> String { "t\(number)" }

    /// Whole tenants, of which each bundle holds as many as fit.
    ///
    /// - Parameter items: how many items a bundle holds at most.
    func bundles(items: Int) -> [Range<Int>] {
        let step = max(1, items / (2 + routesEach + keysEach))
        return stride(from: 0, to: tenants, by: step).map { $0..<min($0 + step, tenants) }
    }

    func bundle(of tenants: Range<Int>) -> [UInt8] { bundle(named: tenants.map(Population.tenant)) }

    /// - Parameter names: of the tenants.
    func bundle(named names: [String]) -> [UInt8] {
        var text = #"{"resources":["#
        for name in names {
            text += #"{"kind":"tenant","name":"\#(name)","spec":{}},"#
            text += item("service", name, "backend", #"{"endpoints":[{"host":"127.0.0.1","port":9001}]}"#)
            for route in 0..<routesEach { text += item("route", name, "r\(route)", Population.route(route, of: name)) }
            for key in 0..<keysEach { text += item("apiKey", name, "k\(key)", "{}") }
        }
        text.removeLast()
        return Array((text + "]}").utf8)
    }

    /// Routes of one host. A tenant of more has more hosts.
    private static let routesOfHost = 1000

    static func host(ofRoute number: Int, of tenant: String) -> String {
        number < routesOfHost ? "\(tenant).example.com" : "\(tenant)-\(number / routesOfHost).example.com"
    }

    /// - Parameter path: another one makes it another route to the gateways.
    static func route(_ number: Int, of tenant: String, path: String = "first") -> String {
        #"{"match":{"hosts":["\#(host(ofRoute: number, of: tenant))"],"paths":[{"prefix":"/v1/r\#(number)/\#(path)"}],"#
            + #""methods":["GET","POST"]},"auth":{"anyOf":[{"apiKey":{}}]},"backends":[{"service":"backend"}]}"#
    }

    private func item(_ kind: String, _ tenant: String, _ name: String, _ spec: String) -> String {
        #"{"kind":"\#(kind)","tenant":"\#(tenant)","name":"\#(name)","spec":\#(spec)},"#
    }
}
