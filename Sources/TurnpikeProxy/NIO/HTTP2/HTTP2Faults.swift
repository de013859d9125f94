// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOHTTP2
import TurnpikeProxyCore

/// What one client's connection does wrong: requests that are malformed, of which too many end the connection, and faults for which it
/// ends at once. Confined to its event loop.
final class HTTP2Faults {
    private weak var channel: (any Channel)?
    private let metrics: GatewayMetrics
    private var wasted = GCRA.Arrival()
    private var isOver = false

    init(of channel: any Channel, _ metrics: GatewayMetrics) {
        self.channel = channel
        self.metrics = metrics
    }

    /// A stream has come to nothing. SwiftNIO counts those that it resets itself.
    func streamWasted() {
        let now = NIODeadline.now().uptimeNanoseconds
        guard case .allowed(let next) = HTTP2Patience.wastedStreams.decide(wasted, now: now) else {
            return endConnection()
        }
        wasted = next
    }

    private func endConnection() {
        guard !isOver, let channel else { return }
        connectionFailed(.enhanceYourCalm)
        let goodbye = HTTP2Frame(
            streamID: .rootStream, payload: .goAway(lastStreamID: .maxID, errorCode: .enhanceYourCalm, opaqueData: nil))
        channel.writeAndFlush(goodbye, promise: nil)
        channel.close(promise: nil)
    }

    /// The connection ends.
    func connectionFailed(_ fault: HTTP2ConnectionFault) {
        guard !isOver else { return }
        isOver = true
        metrics.connectionFailed(fault)
    }
}

extension HTTP2ConnectionFault {
    /// Nil of errors that tell nothing of what the client did, such as a connection that was cut. Frames that SwiftNIO cannot read
    /// are of too many bytes, or compressed against the rules, or neither; it does not say which.
    init?(_ error: any Error) {
        switch error {
        case is NIOHTTP2Errors.ExcessiveOutboundFrameBuffering, is NIOHTTP2Errors.ExcessiveEmptyDataFrames,
            is NIOHTTP2Errors.ExcessiveNumberOfGlitches, is NIOHTTP2Errors.ExcessivelyLargeHeaderBlock,
            is NIOHTTP2Errors.ExcessiveRSTFrames, is NIOHTTP2Errors.ExcessiveControlFrames,
            is NIOHTTP2Errors.ExcessiveContinuationFrames, is NIOHTTP2Errors.ExcessiveStreamErrors:
            self = .enhanceYourCalm
        case is NIOHTTP2Errors.InvalidFlowControlWindowSize, is NIOHTTP2Errors.FlowControlViolation:
            self = .flowControlError
        case is any NIOHTTP2Error: self = .protocolError
        default: return nil
        }
    }
}
