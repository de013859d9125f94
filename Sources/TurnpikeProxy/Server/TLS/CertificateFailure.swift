// SPDX-License-Identifier: Apache-2.0

/// A certificate that cannot be used. Says nothing of its key.
public struct CertificateFailure: Error, Sendable, CustomStringConvertible {
    public let source: String
    public let reason: String

    public init(source: String, reason: String) {
        self.source = source
        self.reason = reason
    }

    init(source: String, cause: any Error) {
        self.init(source: source, reason: "chain and key must be PEM and belong together (\(cause))")
    }

    public var description: String { "the certificate \(source) cannot be used: \(reason)" }
}
