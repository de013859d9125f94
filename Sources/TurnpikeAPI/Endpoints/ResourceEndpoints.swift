// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import TurnpikeControl
import TurnpikeModel

/// The operations that every kind has, made from its declaration.
struct ResourceEndpoints {
    let kind: Kind
    let control: ControlPlane

    private static let writeParameters: Set<String> = ["dryRun", "wait", "timeout"]

    var all: [Endpoint] {
        let collection = kind.scope == .tenant ? "/v1/tenants/{tenant}/\(kind.plural)" : "/v1/\(kind.plural)"
        let member = kind == .tenant ? "/v1/tenants/{tenant}" : "\(collection)/{name}"
        let write = ResourceEndpoints.writeParameters
        var endpoints = [
            Endpoint(.get, collection, .operators, takesFilters: true) { try await list($0, $1) },
            Endpoint(.get, member, .operators, parameters: ["minRevision"]) { try await read($0, $1) },
            Endpoint(.delete, member, .writers, parameters: write) { try await delete($0, $1) },
        ]
        if kind.spec.isCreatedByClients {
            endpoints += [
                Endpoint(.post, collection, .writers, parameters: write) { try await create($0, $1) },
                Endpoint(.put, member, .writers, parameters: write) { try await put($0, $1) },
                Endpoint(.patch, member, .writers, parameters: write) { try await patch($0, $1) },
            ]
        }
        return endpoints
    }

    private func tenant(_ context: APIContext) -> String? {
        kind.scope == .tenant ? context.pathParameter("tenant") : nil
    }

    private func name(_ context: APIContext) -> String { context.pathParameter(kind == .tenant ? "tenant" : "name") }

    private func create(_ request: Request, _ context: APIContext) async throws -> Response {
        let body = try await request.json(limit: BodyLimit.resource)
        return try await write(.create(kind, tenant: tenant(context), body: body), body, request, context)
    }

    private func put(_ request: Request, _ context: APIContext) async throws -> Response {
        let body = try await request.json(limit: BodyLimit.resource)
        let command = WriteCommand.put(
            kind, tenant: tenant(context), name: name(context), body: body, try request.precondition())
        return try await write(command, body, request, context)
    }

    private func patch(_ request: Request, _ context: APIContext) async throws -> Response {
        let patch = try await request.json(limit: BodyLimit.resource, types: Request.patchTypes)
        let command = WriteCommand.patch(
            kind, tenant: tenant(context), name: name(context), patch: patch, try request.precondition())
        return try await write(command, patch, request, context)
    }

    private func delete(_ request: Request, _ context: APIContext) async throws -> Response {
        let command = WriteCommand.delete(
            kind, tenant: tenant(context), name: name(context), try request.precondition())
        return try await write(command, nil, request, context)
    }

    private func write(
        _ command: WriteCommand, _ body: JSON?, _ request: Request, _ context: APIContext
    ) async throws -> Response {
        let wait = try RolloutWait(request)
        let outcome = try await control.write(command, try request.writeContext(context, body: body))
        let rollout = try await wait.rollout(of: outcome.revision, in: control, for: context.authority)
        var headers = rollout.headers
        headers[.turnpikeRevision] = "\(outcome.revision)"
        if outcome.isReplay { headers[.idempotencyReplayed] = "true" }
        guard let resource = outcome.resource else {
            return .deletion(outcome, rollout.json, isDryRun: try request.flag("dryRun"), headers)
        }
        headers[.eTag] = "\"\(resource.revision)\""
        if outcome.effect == .created { headers[.location] = resource.key.path }
        let document = resource.documentText(for: .people, .pretty) { fields in
            writeActivity(of: resource, to: &fields)
            if let field = kind.spec.credential?.field { fields.write(field, outcome.secret) }
            fields.write("rollout", rollout.json)
            if !outcome.gaps.isEmpty { fields.write("warnings", .array(outcome.gaps.map(\.json))) }
            if !outcome.workers.isEmpty { fields.write("workers", outcome.workers.map(\.name)) }
        }
        return .json(text: document, status: outcome.effect == .created ? .created : .ok, headers: headers)
    }

    private func read(_ request: Request, _ context: APIContext) async throws -> Response {
        let resource = try control.resource(kind, tenant: tenant(context), name: name(context), for: context.authority)
        let headers: HTTPFields = [.eTag: "\"\(resource.revision)\""]
        if request.hasCurrent(resource.revision, isStable: kind != .worker && kind != .operator) {
            return Response(status: .notModified, headers: headers)
        }
        let document = resource.documentText(for: .people, .pretty) { writeActivity(of: resource, to: &$0) }
        return .json(text: document, headers: headers)
    }

    private func list(_ request: Request, _ context: APIContext) async throws -> Response {
        let query = try ListParameters(request, kind: kind)
        let page = try control.list(kind, tenant: tenant(context), query.listQuery, for: context.authority)
        let next = page.next.map { query.path(after: .string($0)) }
        let documents = page.resources.map { resource in
            resource.document(for: .people) { writeActivity(of: resource, to: &$0) }
        }
        return .list(documents, next: next)
    }

    /// What is known of those who act themselves, beside their resource.
    private func writeActivity(of resource: Resource, to fields: inout FieldWriter) {
        if kind == .operator { fields.write("lastUsedAt", control.lastUse(of: resource.id)) }
        if kind == .worker { fields.write("status", control.workerStatus(of: resource.id)?.json) }
    }
}

extension Response {
    /// What is left to tell once a resource is gone, or would be; 204 where that is nothing.
    fileprivate static func deletion(
        _ outcome: WriteOutcome, _ rollout: JSON?, isDryRun: Bool, _ headers: HTTPFields
    ) -> Response {
        let fields = JSONObject([
            "workers": isDryRun ? .array(outcome.workers.map { .string($0.name) }) : nil,
            "rollout": rollout,
        ])
        guard !fields.isEmpty else { return Response(status: .noContent, headers: headers) }
        return .json(.object(fields), headers: headers)
    }
}
