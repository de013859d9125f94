// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel
import TurnpikeSnapshot

/// All compiled resources at the newest revision, but for keys.
///
/// Keys are many, small, and each the work of a moment, so they are compiled when they are sent: see ``Transfer``.
///
/// They lie in many small tables, so that a snapshot under way can keep the state of its revision for the price of a
/// reference: a change in the meantime copies the one table that it falls into.
struct CompiledState: Sendable {
    private static let tableCount = 1024

    private var tables: [[CompiledName: CompiledResource]] = Array(repeating: [:], count: tableCount)
    private(set) var count = 0

    subscript(name: CompiledName) -> CompiledResource? {
        get { tables[Self.table(of: name)][name] }
        set { _ = update(name, to: newValue) }
    }

    /// Puts a resource in the place of what there is under its name; `nil`: nothing is to be there.
    ///
    /// - Returns: whether that is another than there was.
    mutating func update(_ name: CompiledName, to resource: CompiledResource?) -> Bool {
        let table = Self.table(of: name)
        guard tables[table][name] != resource else { return false }
        let old = tables[table].updateOrRemove(resource, for: name)
        count += (resource == nil ? 0 : 1) - (old == nil ? 0 : 1)
        return true
    }

    /// All of it, in no order, as of now whatever happens later.
    func makeIterator() -> some IteratorProtocol<CompiledResource> & Sendable { Iterator(tables: tables) }

    private static func table(of name: CompiledName) -> Int {
        Int(UInt(bitPattern: name.hashValue) % UInt(tableCount))
    }

    private struct Iterator: IteratorProtocol, Sendable {
        let tables: [[CompiledName: CompiledResource]]
        var table = 0
        var place: Dictionary<CompiledName, CompiledResource>.Index?

        init(tables: [[CompiledName: CompiledResource]]) { self.tables = tables }

        mutating func next() -> CompiledResource? {
            while table < tables.count {
                let current = place ?? tables[table].startIndex
                if current < tables[table].endIndex {
                    place = tables[table].index(after: current)
                    return tables[table][current].value
                }
                table += 1
                place = nil
            }
            return nil
        }
    }
}

extension Dictionary {
    fileprivate mutating func updateOrRemove(_ value: Value?, for key: Key) -> Value? {
        if let value { updateValue(value, forKey: key) } else { removeValue(forKey: key) }
    }
}
