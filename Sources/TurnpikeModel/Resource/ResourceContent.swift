// SPDX-License-Identifier: Apache-2.0

/// What a resource's copies share.
///
/// `@unchecked Sendable`: it is changed only by the one value that refers to it, which makes itself a copy where there
/// are others.
@usableFromInline
final class ResourceContent: @unchecked Sendable {
    @usableFromInline let key: ResourceKey
    @usableFromInline let id: ResourceID
    @usableFromInline var labels: Labels
    @usableFromInline var spec: any ResourceSpec
    @usableFromInline var revision: Revision
    @usableFromInline let createdAt: Timestamp
    @usableFromInline var updatedAt: Timestamp

    init(
        key: ResourceKey, id: ResourceID, labels: Labels, spec: any ResourceSpec, revision: Revision,
        createdAt: Timestamp, updatedAt: Timestamp
    ) {
        self.key = key
        self.id = id
        self.labels = labels
        self.spec = spec
        self.revision = revision
        self.createdAt = createdAt
        self.updatedAt = updatedAt
    }

    func copy() -> ResourceContent {
        ResourceContent(
            key: key, id: id, labels: labels, spec: spec, revision: revision, createdAt: createdAt,
            updatedAt: updatedAt)
    }
}
