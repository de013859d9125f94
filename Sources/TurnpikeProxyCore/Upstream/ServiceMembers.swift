// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel

/// The endpoints of a service as requests are spread over them: each address that a name has led to is one, and has the name's
/// weight; a name that was not looked up yet is one by itself.
struct ServiceMembers: Sendable {
    /// Those beyond get no requests.
    static let most = 256

    let addresses: [EndpointAddress]
    let weights: [Int]
    /// For `maglev` only.
    let table: MaglevTable?

    init(_ configured: [EndpointAddress], weights: [Int], hasTable: Bool, names: NameTable = NameTable()) {
        var addresses: [EndpointAddress] = []
        var all: [Int] = []
        for (endpoint, weight) in zip(configured, weights) {
            let answers = names.answers(for: endpoint.host) ?? []
            addresses +=
                answers.isEmpty
                ? [endpoint]
                : answers.map {
                    EndpointAddress(
                        host: endpoint.host, port: endpoint.port, ip: $0.ip, alternative: $0.alternative,
                        wire: endpoint.wire)
                }
            all += Array(repeating: weight, count: max(answers.count, 1))
        }
        self.addresses = Array(addresses.prefix(Self.most))
        self.weights = Array(all.prefix(Self.most))
        table = hasTable ? MaglevTable(self.addresses, weights: self.weights) : nil
    }
}
