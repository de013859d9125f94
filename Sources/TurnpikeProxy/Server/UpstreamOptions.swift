// SPDX-License-Identifier: Apache-2.0

import TurnpikeProxyCore

/// What a gateway is told of connections to upstreams at start, whatever is spoken on them.
struct UpstreamOptions: Sendable {
    /// Of requests as they become HTTP/2, and of its answers.
    var limits = HeadLimits()
    /// How long one that speaks HTTP/2 may say nothing.
    var silence = HTTP2Silence()
    /// What upstreams are shown that ask who comes.
    var certificates = ClientCertificates()
}
