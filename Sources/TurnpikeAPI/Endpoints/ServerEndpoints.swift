// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import NIOCore
import TurnpikeControl
import TurnpikeModel
import TurnpikeTelemetry

/// The server itself: health, which needs no token, and metrics and the contract, which do: metrics name tenants.
struct ServerEndpoints {
    let control: ControlPlane
    let openAPI: [UInt8]
    let metrics: MetricsRegistry

    var all: [Endpoint] {
        [
            Endpoint(.get, "/healthz", .everybody) { _, _ in .json(["status": "ok"]) },
            // The server listens only once the control plane has loaded its state, so what is left is what fails since.
            Endpoint(.get, "/readyz", .everybody) { _, _ in
                let obstacles = control.obstacles
                return .json(
                    [
                        "status": obstacles.isEmpty ? "ready" : "not ready", "revision": .integer(control.revision),
                        "reasons": .array(obstacles.map { .string($0) }),
                    ], status: obstacles.isEmpty ? .ok : .serviceUnavailable)
            },
            Endpoint(.get, "/metrics", .platform) { _, _ in
                Response(
                    status: .ok, headers: [.contentType: "text/plain; version=0.0.4; charset=utf-8"],
                    body: .init(byteBuffer: ByteBuffer(string: metrics.render())))
            },
            Endpoint(.get, "/openapi.yaml", .operators) { _, _ in
                Response(
                    status: .ok, headers: [.contentType: "application/yaml"],
                    body: .init(byteBuffer: ByteBuffer(bytes: openAPI)))
            },
        ]
    }
}
