// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import Logging
import TurnpikeControl
import TurnpikeModel
import TurnpikeSnapshot
import TurnpikeTelemetry

extension HTTPField.Name {
    static let requestID = HTTPField.Name("X-Request-Id")!
    static let turnpikeRevision = HTTPField.Name("Turnpike-Revision")!
    static let turnpikeRollout = HTTPField.Name("Turnpike-Rollout")!
    static let idempotencyKey = HTTPField.Name("Idempotency-Key")!
    static let idempotencyReplayed = HTTPField.Name("Idempotency-Replayed")!
    static let link = HTTPField.Name("Link")!
    static let turnpikeWorker = HTTPField.Name(WorkerAnnouncement.fieldName)!
    static let turnpikeReason = HTTPField.Name("X-Turnpike-Reason")!
}

/// Gives every request an id and every answer that id and the newest revision, and writes the access log.
struct RequestIdentity: RouterMiddleware {
    let control: ControlPlane
    let logger: Logger
    let metrics: MetricsRegistry

    func handle(
        _ request: Request, context: APIContext, next: (Request, APIContext) async throws -> Response
    ) async throws -> Response {
        var context = context
        context.requestID = request.headers[.requestID].flatMap(RequestIdentity.usable) ?? RequestIdentity.makeID()
        let start = ContinuousClock.now
        var response = try await next(request, context)
        response.headers[.requestID] = context.requestID
        if response.headers[.turnpikeRevision] == nil { response.headers[.turnpikeRevision] = "\(control.revision)" }
        let duration = ContinuousClock.now - start
        // The path as the contract writes it, so that names in it make no series of their own.
        let operation = "\(request.method.rawValue) \(context.endpointPath ?? "unknown")"
        metrics.counter(
            .apiRequests, help: "Requests to the REST API, by operation and status class.",
            labels: [("operation", operation), ("status_class", "\(response.status.code / 100)xx")]
        ).increment()
        metrics.histogram(
            .apiRequestDuration, help: "Time to answer a request to the REST API, by operation.",
            labels: [("operation", operation)]
        ).observe(duration)
        logger.info(
            "request",
            metadata: [
                "method": "\(request.method.rawValue)", "path": "\(request.uri.path)",
                "status": "\(response.status.code)", "request_id": "\(context.requestID)",
                "micros": "\(duration.inNanoseconds / 1000)",
            ])
        return response
    }

    /// What a client may choose as its id: it lands in logs and headers.
    private static func usable(_ id: String) -> String? {
        let isSafe = id.utf8.allSatisfy { (0x21...0x7E).contains($0) && $0 != 0x22 && $0 != 0x5C }
        return (1...128).contains(id.utf8.count) && isSafe ? id : nil
    }

    private static func makeID() -> String {
        var random = SystemRandomNumberGenerator()
        return ResourceID(high: random.next(), low: random.next()).text(prefix: "req")
    }
}
