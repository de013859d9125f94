// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import NIOCore
import TurnpikeControl
import TurnpikeModel

/// The log in the open: as it grows, for those who follow it; and as an audit, for those who ask who did what.
struct LogEndpoints {
    let control: ControlPlane

    var all: [Endpoint] {
        [
            Endpoint(.get, "/v1/changes", .operators, parameters: ["since", "watch", "tenant", "kind", "minRevision"]) {
                try await follow($0, $1)
            },
            Endpoint(
                .get, "/v1/audit", .operators,
                parameters: [
                    "since", "tenant", "kind", "name", "actor", "from", "to", "limit", "cursor", "minRevision",
                ]
            ) { request, context in
                request.accepts("application/x-ndjson")
                    ? try await export(request, context) : try await page(request, context)
            },
        ]
    }

    // MARK: Following

    private func follow(_ request: Request, _ context: APIContext) async throws -> Response {
        let feed = try control.changes(
            after: try request.revision("since") ?? 0, tenant: request.parameter("tenant"), kind: try request.kind(),
            isWatching: try request.flag("watch"), for: context.authority, holder: context.principal)
        try await requireStart(of: feed, context)
        return stream(feed) { $0.json }
    }

    /// While the answer has no status yet: once it streams, a start that the log has forgotten could only break it off.
    private func requireStart(of feed: ChangeFeed, _ context: APIContext) async throws {
        _ = try await control.records(
            LogQuery(above: feed.start, below: feed.start, limit: 1), for: context.authority)
    }

    private func stream(_ feed: ChangeFeed, _ line: @escaping @Sendable (RevisionRecord) -> JSON) -> Response {
        Response(
            status: .ok, headers: [.contentType: "application/x-ndjson", .cacheControl: "no-store"],
            body: ResponseBody { writer in
                var position = feed.start
                while let step = try await feed.next(after: &position) {
                    var buffer = ByteBuffer()
                    switch step {
                    case .records(let records):
                        for record in records { buffer.writeString(line(record).text + "\n") }
                    case .heartbeat(let revision):
                        let heartbeat: JSON = ["heartbeat": true, "revision": .integer(revision)]
                        buffer.writeString(heartbeat.text + "\n")
                    }
                    try await writer.write(buffer)
                }
                try await writer.finish(nil)
            })
    }

    // MARK: Auditing

    /// The log oldest first, whole, line by line.
    private func export(_ request: Request, _ context: APIContext) async throws -> Response {
        for name in ["name", "actor", "from", "to", "limit", "cursor"] where request.parameter(name) != nil {
            throw TurnpikeError(.invalidParameter, "'\(name)' does not go with an export; ask for a list.")
        }
        let feed = try control.changes(
            after: try request.revision("since") ?? 0, tenant: request.parameter("tenant"), kind: try request.kind(),
            isWatching: false, for: context.authority, holder: context.principal)
        try await requireStart(of: feed, context)
        let isWhole = try isWhole(request, context)
        return stream(feed) { $0.auditEntry(isWhole: isWhole) }
    }

    /// Whether entries are shown with all their changes: what is left out, the hash covers nevertheless.
    private func isWhole(_ request: Request, _ context: APIContext) throws(TurnpikeError) -> Bool {
        try context.authority.tenant == nil && ["tenant", "kind", "name"].allSatisfy { request.parameter($0) == nil }
    }

    /// A page of the log, newest first.
    private func page(_ request: Request, _ context: APIContext) async throws -> Response {
        let limit = try request.integer("limit", in: 1...1000, default: 100)
        var question: [String] = []
        for name in ["actor", "from", "kind", "name", "since", "tenant", "to"] {
            if let value = request.parameter(name) { question.append("\(name)=\(value.percentEncoded)") }
        }
        let path = "\(request.uri.path)?\(question.joined(separator: "&"))"
        var query = LogQuery(
            above: try request.revision("since") ?? 0, isDescending: true, tenant: request.parameter("tenant"),
            kind: try request.kind(), name: request.parameter("name"), actor: request.parameter("actor"),
            from: try request.timestamp("from"), to: try request.timestamp("to"), limit: limit)
        if let text = request.parameter("cursor") {
            guard let below = try Cursor(text: text, question: path).place.integer else {
                throw TurnpikeError(.invalidCursor, "The cursor is damaged.")
            }
            query.below = below
        }
        let page = try await control.records(query, for: context.authority)
        let next = page.next.map { Cursor(place: .integer($0), question: path).text }
        let isWhole = try isWhole(request, context)
        return .list(
            page.records.map { $0.auditEntry(isWhole: isWhole) },
            next: next.map { path + (question.isEmpty ? "" : "&") + "limit=\(limit)&cursor=\($0)" })
    }
}

extension RevisionRecord {
    /// The entry as followers of the log see it.
    var json: JSON { .object(document) }

    /// The entry with all that its hash is made of.
    ///
    /// - Parameter isWhole: whether all its changes are there; an entry that lacks some says so.
    func auditEntry(isWhole: Bool) -> JSON {
        var document = document
        if !isWhole { document["partial"] = true }
        document["source"] = .string(source)
        document["changes"] = .array(
            changes.compactMap { change in
                change.document.map { document in
                    var document = document
                    document["beforeDigest"] = change.beforeDigest.map { .string($0) }
                    document["afterDigest"] = change.afterDigest.map { .string($0) }
                    return .object(document)
                }
            })
        document["previousHash"] = .string(previousHash)
        document["hash"] = .string(hash)
        return .object(document)
    }

    private var document: JSONObject {
        JSONObject([
            "revision": .integer(revision), "at": .string(at.description), "actor": .string(actor),
            "reason": .string(reason), "requestId": .string(requestID),
            "changes": .array(changes.compactMap { $0.document.map { .object($0) } }),
        ])
    }
}

extension Change {
    fileprivate var document: JSONObject? {
        guard let key else { return nil }
        return JSONObject([
            "kind": .string(key.kind.rawValue), "tenant": key.tenant.map { .string($0) }, "name": .string(key.name),
            "effect": .string(effect.rawValue), "before": before?.document(for: .people),
            "after": after?.document(for: .people),
        ])
    }
}
