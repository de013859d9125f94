// SPDX-License-Identifier: Apache-2.0

import TurnpikeCompiler
import TurnpikeModel
import TurnpikeSnapshot

/// A delta on its way to one worker, taken off in pieces, all of them of one revision.
///
/// But for keys, which are read and compiled as they go out: a key may be newer than the revision, never older. That is no
/// harm, since nothing refers to a key, and since whatever changed after the revision is sent again with the next delta.
struct Transfer: Sendable {
    private enum Source: Sendable {
        case everything(any IteratorProtocol<CompiledResource> & Sendable)
        case keys(KeyWalk)
        case names(Set<CompiledName>.Iterator, in: CompiledState)
    }

    /// The revision to which the transfer leads.
    let revision: Revision
    private let isSnapshot: Bool
    /// What the worker could not read.
    private let omitted: Set<CompiledResource.ResourceType>
    private let view: SharedView
    private var source: Source
    private var hasBegun = false

    /// What changed, or, without names, everything; but for the types that are to be omitted.
    init(
        of names: Set<CompiledName>?, omitting omitted: Set<CompiledResource.ResourceType>, in state: CompiledState,
        view: SharedView, leadingTo revision: Revision
    ) {
        self.revision = revision
        self.omitted = omitted
        self.view = view
        isSnapshot = names == nil
        source = names.map { .names($0.makeIterator(), in: state) } ?? .everything(state.makeIterator())
    }

    /// The next frames, at most `limit` (at least 2) of them; the last piece ends with the commit.
    mutating func nextFrames(limit: Int) -> (frames: [Frame], isComplete: Bool) {
        var frames: [Frame] = []
        if !hasBegun { frames.append(.begin(isSnapshot: isSnapshot)) }
        hasBegun = true
        var compilation = Compilation(of: view)
        while frames.count < limit {
            guard let frame = nextFrame(&compilation) else {
                frames.append(.commit(revision))
                return (frames, true)
            }
            frames.append(frame)
        }
        return (frames, false)
    }

    private mutating func nextFrame(_ compilation: inout Compilation<SharedView>) -> Frame? {
        switch source {
        case .everything(var resources):
            while let resource = resources.next() {
                if omitted.contains(resource.type) { continue }
                source = .everything(resources)
                return .set(resource)
            }
            source = .keys(KeyWalk(tenants: view.tenants()))
            return nextFrame(&compilation)
        case .keys(var walk):
            while let key = walk.next(in: view) {
                guard let compiled = compilation.compile(CompiledName(.key, tenant: key.tenant ?? "", name: key.name))
                else { continue }
                source = .keys(walk)
                return .set(compiled)
            }
            source = .keys(walk)
            return nil
        case .names(var names, let state):
            var name = names.next()
            while let skipped = name, omitted.contains(skipped.type) { name = names.next() }
            source = .names(names, in: state)
            return name.map { name in
                let resource = name.type == .key ? compilation.compile(name) : state[name]
                return resource.map { .set($0) } ?? .remove(name)
            }
        }
    }
}

/// A walk over all keys, a stretch at a time.
private struct KeyWalk: Sendable {
    private static let stretch = 512

    private let tenants: [String]
    private var tenant = 0
    private var stretch: [ResourceKey] = []
    private var place = 0
    private var last: String?

    init(tenants: [String]) { self.tenants = tenants }

    mutating func next(in view: SharedView) -> ResourceKey? {
        while place == stretch.count {
            guard tenant < tenants.count else { return nil }
            let (collection, after) = (CollectionKey(.apiKey, tenant: tenants[tenant]), last)
            stretch = view.read { $0.resources(in: collection, after: after, limit: Self.stretch).map(\.key) }
            place = 0
            last = stretch.last?.name
            if stretch.isEmpty { tenant += 1 }
        }
        place += 1
        return stretch[place - 1]
    }
}
