// SPDX-License-Identifier: Apache-2.0

import TurnpikeCompiler
import TurnpikeSnapshot

/// What records are to the workers: the names that each of them touches, and what stands under these names afterwards.
struct Publication: Sendable {
    /// By record.
    private(set) var affected: [Set<CompiledName>] = []
    private(set) var compiled: [(name: CompiledName, resource: CompiledResource?)] = []
    /// Of what is compiled only when it is sent.
    private(set) var keys: Set<CompiledName> = []
    /// What compiling took.
    private(set) var duration = Duration.zero

    /// - Parameter state: to which the records lead.
    init(of records: [RevisionRecord], in state: some ResourceView) {
        let start = ContinuousClock.now
        var compilation = Compilation(of: state)
        affected = records.map { compilation.affected(by: $0.changes) }
        let names = affected.count == 1 ? affected[0] : affected.reduce(into: Set()) { $0.formUnion($1) }
        compiled.reserveCapacity(names.count)
        for name in names {
            if name.type == .key {
                keys.insert(name)
            } else {
                compiled.append((name, compilation.compile(name)))
            }
        }
        duration = ContinuousClock.now - start
    }
}
