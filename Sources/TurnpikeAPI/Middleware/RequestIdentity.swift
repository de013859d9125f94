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
    /// RFC 5789 §3.1.
    static let acceptPatch = HTTPField.Name("Accept-Patch")!
    static let turnpikeRollout = HTTPField.Name("Turnpike-Rollout")!
    static let idempotencyKey = HTTPField.Name("Idempotency-Key")!
    static let idempotencyReplayed = HTTPField.Name("Idempotency-Replayed")!
    static let forwarded = HTTPField.Name("Forwarded")!
    static let xForwardedFor = HTTPField.Name("X-Forwarded-For")!
    static let link = HTTPField.Name("Link")!
    static let turnpikeWorker = HTTPField.Name(WorkerAnnouncement.fieldName)!
    static let turnpikeReason = HTTPField.Name("X-Turnpike-Reason")!
}

/// Gives every request an id and every answer that id and the revision that it has seen, and writes the access log.
struct RequestIdentity: RouterMiddleware {
    /// `nil` while it is being loaded: answers name no revision then.
    let control: ControlPlane?
    var connections = OpenConnections()
    var sources = RequestSources()
    let logger: Logger
    let metrics: OperationMetrics

    func handle(
        _ request: Request, context: APIContext, next: (Request, APIContext) async throws -> Response
    ) async throws -> Response {
        var context = context
        context.requestID = request.headers[.requestID].flatMap(RequestIdentity.usable) ?? RequestIdentity.makeID()
        let headers = request.headers
        context.address = sources.address(
            peer: context.address, forwardedFor: headers[values: .xForwardedFor], forwarded: headers[values: .forwarded]
        )
        connections.note("\(request.method.rawValue) \(context.endpointPath ?? request.uri.path)", on: context.channel)
        let start = ContinuousClock.now
        // Never one that came while the answer was made: who asks for at least that revision next would miss what it did.
        let before = control?.revision
        var response = try await next(request, context)
        let notes = context.notes.content
        response.headers[.requestID] = context.requestID
        if response.headers[.turnpikeRevision] == nil {
            response.headers[.turnpikeRevision] = (notes.revision ?? before).map { "\($0)" }
        }
        let duration = ContinuousClock.now - start
        metrics.note(request.method, context.endpointPath, status: response.status, duration)
        log(request, context, response, duration, notes)
        return response
    }

    private func log(
        _ request: Request, _ context: APIContext, _ response: Response, _ duration: Duration,
        _ notes: RequestNotes.Content
    ) {
        // Putting a line together costs more than asking whether anybody reads it.
        guard logger.logLevel <= .info else { return }
        var metadata: Logger.Metadata = [
            LogKey.method: "\(request.method.rawValue)", LogKey.path: "\(request.uri.path)",
            LogKey.status: "\(response.status.code)", LogKey.requestID: "\(context.requestID)",
            LogKey.durationMilliseconds: "\(Double(duration.inNanoseconds / 1000) / 1000)",
        ]
        for (key, value) in [
            (LogKey.actor, notes.actor), (LogKey.tenant, notes.tenant), (LogKey.remoteAddress, context.address),
        ] where !value.isEmpty {
            metadata[key] = "\(value)"
        }
        logger.info("request", metadata: metadata)
    }

    /// What a client may choose as its id: it lands in logs and headers.
    private static func usable(_ id: String) -> String? {
        let isSafe = id.utf8.allSatisfy { (0x21...0x7E).contains($0) && $0 != 0x22 && $0 != 0x5C }
        return (1...128).contains(id.utf8.count) && isSafe ? id : nil
    }

    static func makeID() -> String {
        var random = SystemRandomNumberGenerator()
        return ResourceID(high: random.next(), low: random.next()).text(prefix: "req")
    }
}
