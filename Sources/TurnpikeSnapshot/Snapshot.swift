// SPDX-License-Identifier: Apache-2.0

public import TurnpikeModel

/// All that a worker serves by, as of a revision.
public struct Snapshot: Sendable, Hashable {
    public var revision: Revision
    public var resources: [CompiledName: CompiledResource]

    public init(revision: Revision = 0, resources: [CompiledName: CompiledResource] = [:]) {
        self.revision = revision
        self.resources = resources
    }

    /// The rate limits that requests to a route must pass, in their order.
    public func rateLimits(of route: CompiledRoute) -> [CompiledRateLimit] {
        let limits = resources.values.compactMap { resource -> CompiledRateLimit? in
            if case .rateLimit(let limit) = resource, limit.tenant == route.tenant { limit } else { nil }
        }
        return limits.filter { route.isSelected(by: $0.selector) }.sorted { $0.name < $1.name }
    }

    /// The quotas that requests to a route draw on, in their order.
    public func quotas(of route: CompiledRoute) -> [CompiledQuota] {
        let quotas = resources.values.compactMap { resource -> CompiledQuota? in
            if case .quota(let quota) = resource, quota.tenant == route.tenant { quota } else { nil }
        }
        return quotas.filter { route.isSelected(by: $0.selector) }.sorted { $0.name < $1.name }
    }

    /// This state changed as a delta says.
    public mutating func apply(_ delta: Delta) {
        if delta.isSnapshot { resources.removeAll(keepingCapacity: true) }
        for name in delta.removed { resources[name] = nil }
        for resource in delta.set { resources[resource.name] = resource }
        revision = delta.revision
    }
}

/// What leads from one state to the next: a full snapshot or only what differs.
public struct Delta: Sendable, Hashable {
    /// The revision that holds once the delta is applied.
    public var revision: Revision
    /// Whether what the worker has is to be forgotten first.
    public var isSnapshot: Bool
    public var set: [CompiledResource]
    public var removed: [CompiledName]

    public init(revision: Revision, isSnapshot: Bool, set: [CompiledResource], removed: [CompiledName]) {
        self.revision = revision
        self.isSnapshot = isSnapshot
        self.set = set
        self.removed = removed
    }

    /// The delta as frames: `begin`, one frame a resource, `commit`.
    public var frames: some Sequence<Frame> {
        [[Frame.begin(isSnapshot: isSnapshot)], removed.map(Frame.remove), set.map(Frame.set), [.commit(revision)]]
            .lazy.joined()
    }
}

/// Deltas that follow one another, as the one that leads to where the last of them does. However many there are, it is no larger
/// than what they name.
public struct MergedDelta: Sendable, Equatable {
    private var revision: Revision
    private var isSnapshot: Bool
    /// By name; `nil`: it goes.
    private var changes: [CompiledName: CompiledResource?] = [:]

    public init(_ first: Delta) {
        revision = first.revision
        isSnapshot = first.isSnapshot
        take(first)
    }

    public mutating func append(_ next: Delta) {
        revision = next.revision
        if next.isSnapshot {
            isSnapshot = true
            changes.removeAll()
        }
        take(next)
    }

    private mutating func take(_ delta: Delta) {
        for name in delta.removed { changes.updateValue(nil, forKey: name) }
        for resource in delta.set { changes.updateValue(resource, forKey: resource.name) }
    }

    public var delta: Delta {
        var delta = Delta(revision: revision, isSnapshot: isSnapshot, set: [], removed: [])
        for (name, resource) in changes {
            if let resource {
                delta.set.append(resource)
            } else if !isSnapshot {
                delta.removed.append(name)
            }
        }
        return delta
    }
}

/// Puts frames together again, so that a delta is applied whole or not at all. A stream that ends in between leaves
/// nothing behind.
public struct DeltaAssembler: Sendable {
    private var pending: Delta?

    public init() {}

    /// - Returns: the delta, once its last frame is there.
    /// - Throws: `malformedRequest` for a frame out of order.
    public mutating func take(_ frame: Frame) throws(TurnpikeError) -> Delta? {
        switch frame {
        case .begin(let isSnapshot):
            guard pending == nil else { throw TurnpikeError(.malformedRequest, "A delta began within another.") }
            pending = Delta(revision: 0, isSnapshot: isSnapshot, set: [], removed: [])
        case .set(let resource):
            guard pending != nil else { throw TurnpikeError(.malformedRequest, "A resource came outside of a delta.") }
            pending?.set.append(resource)
        case .remove(let name):
            guard pending != nil else { throw TurnpikeError(.malformedRequest, "A removal came outside of a delta.") }
            pending?.removed.append(name)
        case .commit(let revision):
            guard var delta = pending else { throw TurnpikeError(.malformedRequest, "A commit came without a delta.") }
            pending = nil
            delta.revision = revision
            return delta
        case .heartbeat, .probe, .revoked: break
        }
        return nil
    }
}
