// SPDX-License-Identifier: Apache-2.0

package import TurnpikeControl
package import TurnpikeModel

/// Makes resources and records as the control plane would: fresh ids, growing revisions.
package struct RecordMaker {
    package private(set) var revision: Revision = 0
    private var lastHash = LogChain.start
    private var random = SeededGenerator(seed: 1)
    private let start = Timestamp(milliseconds: 1_767_225_600_123)

    package init() {}

    package mutating func tenant(_ name: String) throws -> Resource { try resource(.tenant, name: name, [:]) }

    package mutating func service(_ tenant: String, _ name: String) throws -> Resource {
        try resource(.service, tenant: tenant, name: name, ["endpoints": [["host": "127.0.0.1", "port": 9001]]])
    }

    package mutating func route(_ tenant: String, _ name: String, to services: String...) throws -> Resource {
        try resource(
            .route, tenant: tenant, name: name,
            [
                "match": ["hosts": ["api.test"], "paths": [["prefix": "/"]]],
                "backends": .array(services.map { ["service": .string($0)] }),
            ]
        )
    }

    /// A resource that the next record may create.
    package mutating func resource(_ kind: Kind, tenant: String? = nil, name: String, _ json: JSON) throws -> Resource {
        let body = try ResourceBody(json, kind: kind, name: name)
        return Resource(
            key: ResourceKey(kind, tenant: tenant, name: name), id: ResourceID.generate(at: start, using: &random),
            labels: body.labels, spec: body.spec, revision: revision + 1, createdAt: start, updatedAt: start
        )
    }

    /// The resource as the next record may update it.
    package func relabelled(_ resource: Resource, _ labels: Labels) -> Resource {
        var resource = resource
        resource.labels = labels
        resource.revision = revision + 1
        return resource
    }

    package mutating func record(_ changes: [Change]) -> RevisionRecord {
        revision += 1
        var record = RevisionRecord(
            revision: revision, at: start.advanced(by: .milliseconds(revision)), actor: "operator:ops",
            source: "192.0.2.7", reason: "because \(revision)", requestID: "req-\(revision)", changes: changes
        )
        record.seal(after: lastHash)
        lastHash = record.hash
        return record
    }

    package mutating func creating(_ resources: Resource...) -> RevisionRecord {
        record(resources.map { Change(before: nil, after: $0) })
    }

    package mutating func deleting(_ resources: Resource...) -> RevisionRecord {
        record(resources.map { Change(before: $0, after: nil) })
    }
}

extension Store {
    /// Every resource's stored document, in the store's order.
    package func documents() async throws -> [JSON] {
        var documents: [JSON] = []
        try await forEachResource { documents.append($0.document(for: .storage)) }
        return documents
    }

    package func keys() async throws -> [String] {
        var keys: [String] = []
        try await forEachResource { keys.append($0.key.description) }
        return keys
    }
}

extension RevisionRecord {
    /// All that a record says, for comparison.
    package var json: JSON {
        func document(_ resource: Resource?) -> JSON { resource?.document(for: .storage) ?? .null }
        return [
            "revision": .integer(revision), "at": .string(at.description), "actor": .string(actor),
            "source": .string(source), "reason": .string(reason), "requestID": .string(requestID),
            "previousHash": .string(previousHash), "hash": .string(hash),
            "changes": .array(
                changes.map { change in
                    [
                        "before": document(change.before), "after": document(change.after),
                        "beforeDigest": change.beforeDigest.map { .string($0) } ?? .null,
                        "afterDigest": change.afterDigest.map { .string($0) } ?? .null,
                    ]
                }),
        ]
    }
}
