// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Tells those who go on and on that it is enough.
final class StopFlag: Sendable {
    private let flag = Atomic(false)

    var isSet: Bool { flag.load(ordering: .acquiring) }

    func set() { flag.store(true, ordering: .releasing) }
}
