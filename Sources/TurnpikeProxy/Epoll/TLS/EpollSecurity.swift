// SPDX-License-Identifier: Apache-2.0

#if os(Linux)

/// What a listener for TLS goes by. Safe from any thread.
struct EpollSecurity: Sendable {
    let certificates: ServerCertificates
    /// Takes over a connection whose client offers HTTP/2, which this transport does not speak, with all that was read of it.
    let handOver: @Sendable (_ descriptor: Descriptor, _ read: [UInt8]) -> Void
}

#endif
