// SPDX-License-Identifier: Apache-2.0

/// A connection that speaks no HTTP any more: which of its two directions are open, and what of its bytes is in the usage.
struct Tunnel: Sendable {
    /// Nanoseconds that both sides may be silent.
    let idleTimeout: UInt64
    /// The client has said its last, and the upstream knows.
    var clientEnded = false
    /// The other way round.
    var upstreamEnded = false
    /// Of the request's bytes, those that are in the usage.
    var countedIn: Int64 = 0
    var countedOut: Int64 = 0

    init(idleTimeout: UInt64) { self.idleTimeout = idleTimeout }

    var isOver: Bool { clientEnded && upstreamEnded }
}
