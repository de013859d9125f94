// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel

/// Whom a dry run says that a write would concern: the workers that would get something else to serve by.
struct Concern: Sendable {
    let workers: [String]

    init(in document: JSON) { workers = (document["workers"]?.array ?? []).compactMap(\.string) }

    /// A sentence on a line of its own.
    var text: String {
        workers.isEmpty ? "It concerns no worker.\n" : "It concerns \(workers.joined(separator: ", ")).\n"
    }
}
