// SPDX-License-Identifier: Apache-2.0

/// A certificate that a gateway may show to clients, with its key.
public struct ServerCertificate: Sendable {
    /// For people: what it was read from.
    public var source: String
    /// The DNS names that it speaks for, in lower case; `*.` stands for one label.
    public var names: [String]
    /// PEM, the certificate itself first.
    public var chain: [UInt8]
    /// PEM.
    public var key: [UInt8]
    /// Shown to clients that name no server, or one that no certificate speaks for.
    public var isDefault: Bool

    public init(source: String, names: [String], chain: [UInt8], key: [UInt8], isDefault: Bool = false) {
        self.source = source
        self.names = names
        self.chain = chain
        self.key = key
        self.isDefault = isDefault
    }
}
