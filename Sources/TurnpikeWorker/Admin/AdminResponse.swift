// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel
import TurnpikeTelemetry

/// An answer of the admin listener.
struct AdminResponse: Sendable, Equatable {
    var status: Int
    var contentType: String
    var body: String
    var allow: String?

    static func text(_ body: String) -> AdminResponse {
        AdminResponse(status: 200, contentType: "text/plain; charset=utf-8", body: body)
    }

    /// RFC 9457.
    static func problem(_ error: TurnpikeError) -> AdminResponse {
        let document: JSON = [
            "type": .string(error.code.type), "title": .string(error.code.title),
            "status": .integer(Int64(error.code.status)), "detail": .string(error.detail),
        ]
        return AdminResponse(status: error.code.status, contentType: "application/problem+json", body: document.text)
    }
}

/// What the admin listener tells: whether the process lives, whether it should be given requests, and its metrics.
struct AdminPages: Sendable {
    let health: WorkerHealth
    let metrics: MetricsRegistry

    /// - Parameter target: the request's target; a query is ignored.
    func response(to method: String, _ target: String) -> AdminResponse {
        let path = target.prefix { $0 != "?" }
        guard ["/healthz", "/readyz", "/metrics"].contains(path) else {
            return .problem(TurnpikeError(.notFound, "There is nothing here but /healthz, /readyz and /metrics."))
        }
        guard method == "GET" || method == "HEAD" else {
            var refusal = AdminResponse.problem(TurnpikeError(.methodNotAllowed, "Only GET and HEAD are allowed here."))
            refusal.allow = "GET, HEAD"
            return refusal
        }
        switch path {
        case "/healthz": return .text("ok\n")
        case "/readyz": return health.problem.map { .problem($0) } ?? .text("ready\n")
        default:
            return AdminResponse(status: 200, contentType: PrometheusText.contentType, body: metrics.render())
        }
    }
}
