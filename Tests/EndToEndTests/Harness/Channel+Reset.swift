// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOPosix

extension Channel {
    /// Closes with a reset instead of an orderly end.
    func reset() async throws {
        guard let options = self as? any SocketOptionProvider else { return }
        try await options.setSoLinger(linger(l_onoff: 1, l_linger: 0)).get()
        try await close().get()
    }
}
