// SPDX-License-Identifier: Apache-2.0

import NIOCore

#if os(Linux)
import CEpoll
#endif

enum Processors {
    /// Those that this process may use, as far as its control group and, on Linux, its affinity say.
    static var available: Int {
        #if os(Linux)
        let bound = Int(CEpollProcessors())
        return bound > 0 ? min(bound, System.coreCount) : System.coreCount
        #else
        return System.coreCount
        #endif
    }
}
