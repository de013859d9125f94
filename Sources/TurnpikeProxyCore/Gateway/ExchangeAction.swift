// SPDX-License-Identifier: Apache-2.0

/// What a transport is to do for a ``ServerConnection``, in this order and before the next event.
public enum ExchangeAction: Sendable, Hashable {
    /// Where the bytes to send lie.
    public enum Source: Sendable, Hashable {
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
    case readFromClient(Bool)
    case readFromUpstream(Bool)
    /// Send what is to be sent, then close the sending side only.
    case shutClientOutput
    /// Send what is to be sent, then close.
    case closeClient
    /// Close at once and drop what is unsent: an answer was cut short, and the client must see that.
    case abortClient
}
