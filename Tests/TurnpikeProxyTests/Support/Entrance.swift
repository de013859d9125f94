// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import TurnpikeProxy

/// By which way the clients of a test come in. What holds for one must hold for all.
struct Entrance: Sendable, Hashable, CustomTestStringConvertible {
    let transport: Transport
    /// Over TLS.
    let isSecure: Bool

    static let all = Transport.available.flatMap {
        [Entrance(transport: $0, isSecure: false), Entrance(transport: $0, isSecure: true)]
    }

    var testDescription: String { transport.rawValue + (isSecure ? " over TLS" : "") }

    /// For the name that requests of ``GatewayHarness`` are for.
    static let certificate = Result { try TestCertificate.make("api.acme.test") }
}
