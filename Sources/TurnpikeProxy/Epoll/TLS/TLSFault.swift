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

    /// What the last call for a session has failed by. Where the peer's certificate was not taken, that says why.
    static func last(of session: OpaquePointer) -> TLSFault {
        let isUntrusted = ERR_GET_REASON(ERR_peek_last_error()) == SSL_R_CERTIFICATE_VERIFY_FAILED
        let fault = last("what the peer said was out of order")
        guard isUntrusted, let reason = X509_verify_cert_error_string(SSL_get_verify_result(session)) else {
            return fault
        }
        return TLSFault(description: "\(fault): \(String(cString: reason))")
    }
}

#endif
