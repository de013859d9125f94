// SPDX-License-Identifier: Apache-2.0

/// What a transport is to do for a ``ServerConnection``, in this order and before the next event.
public enum ExchangeAction: Sendable, Hashable, BitwiseCopyable {
    /// Where the bytes to send lie.
    public enum Source: Sendable, Hashable, BitwiseCopyable {
        /// In ``ServerConnection/clientStage`` or ``ServerConnection/upstreamStage``, by direction.
        case staged(ByteRange)
        /// In the bytes of the very event that is being handled: passed on without a copy.
        case received(ByteRange)
    }

    case sendToClient(Source)
    case sendToUpstream(Source)
    /// Connect to the endpoint, and report ``ServerConnection/upstreamConnected(_:)`` or
    /// ``ServerConnection/upstreamFailed(_:)``. The time-out is the connection's own ``ServerConnection/deadline``.
    case connect(UpstreamID, endpoint: Int)
    /// Take the idle connection for this client; report ``ServerConnection/upstreamUnusable(_:)`` if it is closed already.
    case attach(UpstreamID)
    /// The connection waits for its next request: it is nobody's, reads on, and must be silent.
    case detach(UpstreamID)
    /// Close it and forget it; nothing about it needs to be reported.
    case closeUpstream(UpstreamID)
    /// Send what is to be sent on it, then close it; forget it now, and report nothing about it.
    case endUpstream(UpstreamID)
    /// The client and its upstream speak something else than HTTP from here on. Where one of them ends what it sends, the other
    /// direction goes on: report ``ServerConnection/clientEnded()`` or ``ServerConnection/upstreamEnded(_:)`` in place of
    /// ``ServerConnection/clientClosed()`` and ``ServerConnection/upstreamClosed(_:)``, which say that a connection failed.
    case beginTunnel
    /// Send what is to be sent to the upstream, then close the sending side only.
    case shutUpstreamOutput
    case readFromClient(Bool)
    case readFromUpstream(Bool)
    /// Send what is to be sent, then close the sending side only.
    case shutClientOutput
    /// Send what is to be sent, then close.
    case closeClient
    /// Close at once and drop what is unsent: an answer was cut short, and the client must see that.
    case abortClient
}
