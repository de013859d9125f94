// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel
import TurnpikeSnapshot

/// A delta on its way to one worker, taken off in pieces, all of them of one revision.
struct Transfer: Sendable {
    private enum Source: Sendable {
        case everything(any IteratorProtocol<CompiledResource> & Sendable)
        case names(Set<CompiledName>.Iterator, in: CompiledState)
    }

    /// The revision to which the transfer leads.
    let revision: Revision
    private let isSnapshot: Bool
    private var source: Source
    private var hasBegun = false

    /// What changed, or, without names, everything.
    init(of names: Set<CompiledName>?, in state: CompiledState, leadingTo revision: Revision) {
        self.revision = revision
        isSnapshot = names == nil
        source = names.map { .names($0.makeIterator(), in: state) } ?? .everything(state.makeIterator())
    }

    /// The next frames, at most `limit` (at least 2) of them; the last piece ends with the commit.
    mutating func nextFrames(limit: Int) -> (frames: [Frame], isComplete: Bool) {
        var frames: [Frame] = []
        if !hasBegun { frames.append(.begin(isSnapshot: isSnapshot)) }
        hasBegun = true
        while frames.count < limit {
            guard let frame = nextFrame() else {
                frames.append(.commit(revision))
                return (frames, true)
            }
            frames.append(frame)
        }
        return (frames, false)
    }

    private mutating func nextFrame() -> Frame? {
        switch source {
        case .everything(var resources):
            let resource = resources.next()
            source = .everything(resources)
            return resource.map { .set($0) }
        case .names(var names, let state):
            let name = names.next()
            source = .names(names, in: state)
            return name.map { name in state[name].map { .set($0) } ?? .remove(name) }
        }
    }
}
