// SPDX-License-Identifier: Apache-2.0

import TurnpikeSnapshot

// Beside the file stands which types of resources its worker could read: others it was not told of. A later release that can read
// more knows by that, once, that it has to ask for everything.

extension LastGoodFile {
    private var typesPath: String { path + ".types" }

    private static let types = CompiledResource.ResourceType.allCases.map(\.rawValue).sorted().joined(separator: "\n")

    /// Says of a base that was just put in place that it holds all that this release can read.
    func noteTypes() throws { try DurableFile.replace(typesPath, with: Array(Self.types.utf8)) }

    /// Whether the base was written by a release that could read the same types as this one.
    var hasAllTypes: Bool {
        guard let noted = try? DurableFile.read(typesPath, limit: 1 << 12) else { return false }
        return String(decoding: noted, as: UTF8.self) == Self.types
    }
}
