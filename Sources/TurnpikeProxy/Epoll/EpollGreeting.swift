// SPDX-License-Identifier: Apache-2.0

#if os(Linux)

import TurnpikeProxyCore

/// A client's connection in the clear until its first bytes have told what it speaks: HTTP/2 where they are its preface, which a
/// client sends who knows beforehand (RFC 9113 §3.3), else HTTP/1.1. Confined to its loop.
final class EpollGreeting: EpollOpening {
    /// What came, as long as it could become either.
    private var read: [UInt8] = []

    /// It may stay silent as long as a client between two requests.
    func open() { open(within: gateway.limits.idleTimeout) }

    override func received(_ bytes: UnsafeRawBufferPointer) {
        guard read.isEmpty else {
            read += bytes
            let whole = read
            return whole.withUnsafeBytes { greet(by: $0) }
        }
        greet(by: bytes)
    }

    private func greet(by bytes: UnsafeRawBufferPointer) {
        switch HTTP2Preface.judge(bytes) {
        case .undecided: read = Array(bytes)
        case .isThere: serve(over: .http, speaksHTTP2: true, having: bytes)
        case .isNot: serve(over: .http, speaksHTTP2: false, having: bytes)
        }
    }
}

#endif
