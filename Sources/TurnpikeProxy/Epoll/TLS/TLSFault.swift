// SPDX-License-Identifier: Apache-2.0

#if os(Linux)

import COpenSSL

/// Why OpenSSL would not do something. Never says anything of a key.
struct TLSFault: Error, CustomStringConvertible {
    let description: String

    /// What the last call on this thread has failed by. Nothing of it is left behind for calls to come.
    static func last(_ otherwise: String) -> TLSFault {
        defer { ERR_clear_error() }
        let reason = ERR_reason_error_string(ERR_peek_last_error()).map { String(cString: $0) }
        return TLSFault(description: reason ?? otherwise)
    }
}

#endif
