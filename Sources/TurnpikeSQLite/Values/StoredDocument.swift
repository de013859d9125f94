// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel

/// A resource as it lies in the file. Parsed away from the database's queues, which other readers wait for.
struct StoredDocument: Sendable {
    var kind: String
    var text: String

    /// - Throws: `storageFailed` where the document does not fit its kind, which only a damaged file shows.
    func resource() throws(TurnpikeError) -> Resource {
        guard let kind = Kind(rawValue: kind) else {
            throw TurnpikeError(.storageFailed, "A stored resource is of the unknown kind '\(kind)'.")
        }
        do {
            return try Resource(stored: JSON.parse(text), kind: kind)
        } catch {
            throw TurnpikeError(.storageFailed, "A stored \(kind.rawValue) cannot be read.", cause: error)
        }
    }
}
