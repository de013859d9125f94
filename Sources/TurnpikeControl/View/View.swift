// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel
import TurnpikeSnapshot

/// The state at the newest revision, in memory, with the indexes that the use cases look up by. Every index is kept up
/// to date change by change; none is ever searched from end to end.
struct View: Sendable {
    private(set) var logEnd = LogPosition.start
    var revision: Revision { logEnd.revision }
    private var resources = ResourceTable()
    private var names: [CollectionKey: SortedNames] = [:]
    private var referrers: [ResourceKey: Set<ResourceKey>] = [:]
    private var credentials: [KeyDigest: ResourceKey] = [:]
    private var hosts = HostClaims()

    /// Takes a record's changes. Whatever goes is taken out before what comes is put in, so that a host or a name may
    /// pass from one resource to another within one revision. What stays under its name and is found by the same as
    /// before, which is how most changes are, is replaced where it is.
    mutating func apply(_ record: RevisionRecord) {
        logEnd = LogPosition(revision: record.revision, hash: record.hash)
        var moves: [Change] = []
        for place in record.changes.indices {
            if record.changes[place].keepsPlace, let after = record.changes[place].after {
                resources.replace(with: after)
            } else {
                moves.append(record.changes[place])
            }
        }
        for case let before? in moves.map(\.before) { remove(before) }
        for case let after? in moves.map(\.after) { insert(after) }
    }

    /// Makes room for what is about to be loaded.
    mutating func reserve(_ count: Int) { resources.reserve(count) }

    /// Takes what the store holds at start, where each key and each id stands once.
    mutating func load(_ resource: Resource) {
        resources.load(resource)
        index(resource)
    }

    mutating func load(logEnd: LogPosition) { self.logEnd = logEnd }

    private mutating func insert(_ resource: Resource) {
        resources.insert(resource)
        index(resource)
    }

    private mutating func index(_ resource: Resource) {
        let key = resource.key
        for collection in resource.collections { names[collection, default: SortedNames()].insert(key.name) }
        for target in resource.referenceTargets { referrers[target, default: []].insert(key) }
        for digest in resource.credentialDigests { credentials[digest] = key }
        hosts.insert(resource)
    }

    private mutating func remove(_ resource: Resource) {
        let key = resource.key
        resources.remove(key)
        for collection in resource.collections {
            names[collection]?.remove(key.name)
            if names[collection]?.count == 0 { names[collection] = nil }
        }
        for target in resource.referenceTargets {
            referrers[target]?.remove(key)
            if referrers[target]?.isEmpty == true { referrers[target] = nil }
        }
        for digest in resource.credentialDigests { credentials[digest] = nil }
        hosts.remove(resource)
    }
}

// MARK: - Look-ups

extension View {
    func resource(_ key: ResourceKey) -> Resource? { resources[key] }

    func resource(_ id: ResourceID) -> Resource? { resources[id] }

    /// The operator, worker or join token whose credential has this digest.
    func holder(of digest: KeyDigest) -> Resource? { credentials[digest].flatMap { resources[$0] } }

    /// A stretch of a collection, ordered by name.
    func resources(in collection: CollectionKey, after name: String?, limit: Int) -> [Resource] {
        (names[collection]?.names(after: name, limit: limit) ?? []).compactMap { resources[collection.key($0)] }
    }

    func count(of collection: CollectionKey) -> Int { names[collection]?.count ?? 0 }

    func keys(in collection: CollectionKey, limit: Int) -> [ResourceKey] {
        (names[collection]?.names(after: nil, limit: limit) ?? []).map { collection.key($0) }
    }

    func referrerCount(of key: ResourceKey) -> Int { referrers[key]?.count ?? 0 }

    func referrers(of key: ResourceKey, limit: Int) -> [ResourceKey] { Array((referrers[key] ?? []).prefix(limit)) }

    func claims(on host: String) -> [String: Int] { hosts.claims(on: host) }

    func claims(below parent: String) -> [String: Int] { hosts.claims(below: parent) }

    /// The routes that match this very host, at most `limit`, ordered by name.
    func routes(on host: String, limit: Int) -> [ResourceKey] { hosts.routes(on: host, limit: limit) }

    /// The API key whose secret has this digest.
    func apiKey(_ digest: KeyDigest) -> Resource? { resources[apiKey: digest] }

    /// The key of the resource that a path names, by name or by id. A name need not exist; an id must.
    func key(_ kind: Kind, tenant: String?, nameOrID: String) -> ResourceKey? {
        guard Name.looksLikeID(nameOrID) else { return ResourceKey(kind, tenant: tenant, name: nameOrID) }
        guard let id = ResourceID(text: nameOrID, prefix: kind.idPrefix), let key = resources[id]?.key,
            key.kind == kind,
            key.tenant == tenant
        else { return nil }
        return key
    }
}

extension CollectionKey {
    fileprivate func key(_ name: String) -> ResourceKey {
        ResourceKey(kind, tenant: kind.scope == .tenant ? tenant : nil, name: name)
    }
}

extension Resource {
    /// Whether the view finds both by the same, and both refer to the same.
    func isFound(as other: Resource) -> Bool {
        key == other.key && id == other.id && hosts == other.hosts && credentialDigests == other.credentialDigests
            && spec.references == other.spec.references && apiKeyDigest == other.apiKeyDigest
    }

    /// The digests of the secrets by which callers of the control plane prove to be this resource. Partners' keys are
    /// for gateways to check, so they are not among them.
    fileprivate var credentialDigests: [KeyDigest] {
        // By kind first: to ask a spec whether it has a credential costs more than the rest.
        switch key.kind {
        case .worker: (spec as? Worker)?.credentials.compactMap { KeyDigest(hex: $0.digest) } ?? []
        case .joinToken, .operator:
            (spec as? any CredentialSpec).flatMap { KeyDigest(hex: $0.digest) }.map { [$0] } ?? []
        case .tenant, .service, .route, .apiKey, .quota, .policy, .certificate: []
        }
    }
}
