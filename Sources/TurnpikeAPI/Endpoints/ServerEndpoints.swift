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

    static let health = "/healthz"
    static let readiness = "/readyz"

    static var alive: Response { .json(["status": "ok"]) }

    static func readiness(at revision: Revision, obstacles: [String]) -> Response {
        .json(
            [
                "status": obstacles.isEmpty ? "ready" : "not ready", "revision": .integer(revision),
                "reasons": .array(obstacles.map { .string($0) }),
            ], status: obstacles.isEmpty ? .ok : .serviceUnavailable)
    }

    var all: [Endpoint] {
        [
            Endpoint(.get, Self.health, .everybody) { _, _ in Self.alive },
            Endpoint(.get, Self.readiness, .everybody) { _, _ in
                Self.readiness(at: control.revision, obstacles: control.obstacles)
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
