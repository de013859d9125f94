// SPDX-License-Identifier: Apache-2.0

/// What a server proves itself with. PEM throughout; nothing of it is logged.
public struct TLSMaterial: Sendable {
    /// The server's own certificate first, then those between it and the root.
    public var certificateChain: [UInt8]
    public var privateKey: [UInt8]
    /// Those who may vouch for workers' certificates. Where there are any, clients are asked for a certificate; one that is
    /// shown must be good. `nil`: nobody is asked.
    public var workerAuthorities: [UInt8]?

    public init(certificateChain: [UInt8], privateKey: [UInt8], workerAuthorities: [UInt8]? = nil) {
        self.certificateChain = certificateChain
        self.privateKey = privateKey
        self.workerAuthorities = workerAuthorities
    }
}

/// Why TLS cannot be served with what was given, in a sentence.
public struct TLSFault: Error, Sendable, CustomStringConvertible {
    public var description: String

    public init(_ description: String) { self.description = description }
}
