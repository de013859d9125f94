// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import NIOCore
import TurnpikeControl
import TurnpikeModel
import TurnpikeSnapshot

/// The workers' protocol. Each path but joining names the worker, whose own credential it needs.
struct WorkerEndpoints {
    let control: ControlPlane
    var workerCertificates = WorkerCertificates.notRequired

    var all: [Endpoint] {
        [
            Endpoint(.post, "/v1/workers", .joinTokens) { try await join($0, $1) },
            Endpoint(.get, "/v1/workers/{name}/stream", .workers, parameters: ["revision"]) { try stream($0, $1) },
            Endpoint(.post, "/v1/workers/{name}/acknowledgements", .workers) { try await acknowledge($0, $1) },
            Endpoint(.post, "/v1/workers/{name}/probes/{probe}", .workers) { try await answerProbe($0, $1) },
            Endpoint(.post, "/v1/workers/{name}/usage", .workers) { try await takeUsage($0, $1) },
            Endpoint(.post, "/v1/workers/{name}/leases", .workers) { try await lease($0, $1) },
            Endpoint(.post, "/v1/workers/{name}/credential", .workers) { try await renewCredential($0, $1) },
            Endpoint(.post, "/v1/workers/{name}/sealing-key", .workers) { try await sealingKey($0, $1) },
        ]
    }

    /// The worker that the credential shows, which must be the one that the path names.
    private func worker(_ context: APIContext) throws(TurnpikeError) -> Principal {
        let named = context.pathParameter("name")
        guard let principal = context.principal,
            named == principal.resource.idText || named == principal.resource.key.name
        else { throw TurnpikeError(.forbidden, "The credential is another worker's.") }
        return principal
    }

    private func join(_ request: Request, _ context: APIContext) async throws -> Response {
        let registration = try Registration(json: try await request.json(limit: BodyLimit.resource))
        if case .ofThisWorker = workerCertificates, registration.certificateRequest == nil {
            throw TurnpikeError.invalid([
                Fault(
                    JSONPointer().appending("certificateRequest"), .required,
                    "Workers show a certificate here: ask for one with 'certificateRequest'.")
            ])
        }
        guard let principal = context.principal else { throw TurnpikeError(.unauthenticated, "Send a join token.") }
        let identity = try await control.join(
            registration, with: principal, from: context.address, requestID: context.requestID)
        return .json(identity.json, status: .created, headers: [.location: "/v1/workers/\(identity.id)"])
    }

    /// The body may be left out: then the worker asks for no certificate.
    private func renewCredential(_ request: Request, _ context: APIContext) async throws -> Response {
        let worker = try worker(context)
        let wants =
            request.headers[.contentType] == nil
            ? CredentialRequest()
            : try CredentialRequest(json: try await request.json(limit: BodyLimit.resource))
        return .json(
            try await control.rotateCredential(
                of: worker, wants, from: context.address, requestID: context.requestID
            ).json)
    }

    private func sealingKey(_ request: Request, _ context: APIContext) async throws -> Response {
        let worker = try worker(context)
        let asked = try SealingKeyRequest(json: try await request.json(limit: BodyLimit.resource))
        return .json(try control.sealingKey(for: worker, asked).json, headers: [.cacheControl: "no-store"])
    }

    private func stream(_ request: Request, _ context: APIContext) throws -> Response {
        let revision = try request.parameter("revision").map { text throws(TurnpikeError) in
            guard let revision = Revision(text), revision >= 0 else {
                throw TurnpikeError(.invalidParameter, "'revision' must be a revision.")
            }
            return revision
        }
        let announcement = try request.headers[.turnpikeWorker].map { text throws(TurnpikeError) in
            guard let json = try? JSON.parse(text) else {
                throw TurnpikeError(.invalidParameter, "'\(WorkerAnnouncement.fieldName)' must hold JSON.")
            }
            return try WorkerAnnouncement(json: json)
        }
        let stream = try control.openStream(worker: worker(context), from: revision, announcement)
        return Response(
            status: .ok, headers: [.contentType: "application/x-ndjson", .cacheControl: "no-store"],
            body: ResponseBody { writer in
                defer { stream.close() }
                while let frames = await stream.next() {
                    var buffer = ByteBuffer()
                    for frame in frames { buffer.writeBytes(frame.line) }
                    try await writer.write(buffer)
                }
                try await writer.finish(nil)
            })
    }

    private func acknowledge(_ request: Request, _ context: APIContext) async throws -> Response {
        let worker = try worker(context)
        try control.acknowledge(
            try Acknowledgement(json: try await request.json(limit: BodyLimit.resource)), worker: worker)
        return Response(status: .noContent)
    }

    private func answerProbe(_ request: Request, _ context: APIContext) async throws -> Response {
        let worker = try worker(context)
        guard let probe = Int64(context.pathParameter("probe")), probe >= 0 else {
            throw TurnpikeError(.notFound, "There is no probe '\(context.pathParameter("probe"))'.")
        }
        try control.take(
            try ProbeAnswer(json: try await request.json(limit: BodyLimit.resource)), to: probe, worker: worker)
        return Response(status: .noContent)
    }

    private func takeUsage(_ request: Request, _ context: APIContext) async throws -> Response {
        let worker = try worker(context)
        let batch = try UsageBatch(json: try await request.json(limit: BodyLimit.usage))
        return .json(try await control.takeUsage(batch, worker: worker).json)
    }

    private func lease(_ request: Request, _ context: APIContext) async throws -> Response {
        let worker = try worker(context)
        let wants = try LeaseRequest(json: try await request.json(limit: BodyLimit.resource))
        return .json(LeaseGrant.json(of: try await control.lease(wants, worker: worker)))
    }
}
