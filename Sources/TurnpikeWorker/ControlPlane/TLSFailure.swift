// SPDX-License-Identifier: Apache-2.0

import NIOSSL

/// What went wrong in a TLS handshake, in words that lead to the remedy.
enum TLSFailure {
    /// `nil` where the error has nothing to do with TLS.
    static func reason(of error: any Error) -> String? {
        switch error {
        case let error as NIOSSLExtraError where error == .failedToValidateHostname:
            return "its certificate is for other names than the one that it is addressed by"
        case NIOSSLError.handshakeFailed(.sslError(let stack)):
            // The library tells its reasons apart by their words only.
            let words = stack.map(\.description).joined(separator: " ")
            if words.contains("CERTIFICATE_VERIFY_FAILED") {
                return "its certificate comes from nobody that is trusted, or has expired; --ca says whom to trust"
            }
            if words.contains("WRONG_VERSION_NUMBER") {
                return "it does not speak TLS there; is it an http:// address?"
            }
            return "the TLS handshake fails: \(words)"
        case let error as NIOSSLError: return "TLS fails: \(error)"
        default: return nil
        }
    }
}
