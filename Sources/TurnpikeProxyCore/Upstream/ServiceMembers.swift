// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel

/// The endpoints of a service as requests are spread over them: each address that a name has led to is one, and has the name's
/// weight; a name that was not looked up yet is one by itself.
struct ServiceMembers: Sendable {
    /// Those beyond get no requests.
    static let most = 256

    /// An endpoint as the service names it.
    struct Configured: Sendable {
        let address: EndpointAddress
        let weight: Int
        let zone: String?
    }

    let addresses: [EndpointAddress]
    let weights: [Int]
    let zones: [String?]
    /// For `maglev` only.
    let table: MaglevTable?

    init(_ configured: [Configured], hasTable: Bool, names: NameTable = NameTable()) {
        let all = configured.flatMap { endpoint in
            Self.addresses(of: endpoint.address, by: names).map { (address: $0, endpoint: endpoint) }
        }.prefix(Self.most)
        addresses = all.map(\.address)
        weights = all.map(\.endpoint.weight)
        zones = all.map(\.endpoint.zone)
        table = hasTable ? MaglevTable(self.addresses, weights: self.weights) : nil
    }

    private static func addresses(of endpoint: EndpointAddress, by names: NameTable) -> [EndpointAddress] {
        guard let answers = names.answers(for: endpoint.host), !answers.isEmpty else { return [endpoint] }
        return answers.map {
            EndpointAddress(
                host: endpoint.host, port: endpoint.port, ip: $0.ip, alternative: $0.alternative, wire: endpoint.wire,
                idleTime: endpoint.idleTime)
        }
    }
}
