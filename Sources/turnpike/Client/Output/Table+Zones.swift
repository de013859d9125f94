// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel

extension Table {
    /// How an explanation's services spread their requests over zones; nil where none of them minds zones.
    init?(zonesOf explanation: JSON) {
        let spreads = (explanation["backends"]?.array ?? []).filter { $0["zones"] != nil }
        guard !spreads.isEmpty else { return nil }
        self.init(
            [
                Column(title: "service"), Column(title: "zone"), Column(title: "endpoints", alignment: .right),
                Column(title: "percent", alignment: .right), Column(title: "preferred"),
            ],
            rows: spreads.flatMap { backend in
                let preferred = backend["zones"]?["preferred"]
                return (backend["zones"]?["shares"]?.array ?? []).map { share in
                    let isPreferred = preferred != nil && share["zone"] == preferred
                    let least = Table.cell(backend["zones"]?["minHealthyPercent"])
                    return [
                        Table.cell(backend["service"]), Table.cell(share["zone"]), Table.cell(share["endpoints"]),
                        Table.cell(share["percent"]), isPreferred ? "while \(least) % of it are healthy" : "",
                    ]
                }
            })
    }
}
