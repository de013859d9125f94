// SPDX-License-Identifier: Apache-2.0

import TurnpikeProxyCore

extension RouteTable {
    /// A table whose seed a test need not care about.
    convenience init(_ entries: RouteEntry...) throws { try self.init(entries, hashSeed: 42) }

    func lookup(_ method: String, _ host: String, _ path: String) -> Match {
        withBytes(method, host, path) { lookup(host: $1, path: $2, method: $0) }
    }

    func explain(_ method: String, _ host: String, _ path: String) -> [Candidate] {
        withBytes(method, host, path) { explain(host: $1, path: $2, method: $0) }
    }
}

private func withBytes<Result>(
    _ first: String, _ second: String, _ third: String,
    _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer, UnsafeRawBufferPointer) -> Result
) -> Result {
    Array(first.utf8).withUnsafeBytes { first in
        Array(second.utf8).withUnsafeBytes { second in
            Array(third.utf8).withUnsafeBytes { body(first, second, $0) }
        }
    }
}

extension RouteEntry {
    /// An entry for one path of every host.
    init(_ index: Int, _ path: PathPattern, methods: [String] = [], priority: Int = 0) {
        self.init(index: index, hosts: [], paths: [path], methods: methods, priority: priority)
    }
}
