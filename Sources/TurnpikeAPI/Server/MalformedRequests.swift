// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Logging
import NIOCore
import NIOHTTP1
import NIOHTTPTypes
import TurnpikeModel
import TurnpikeTelemetry

/// Tells a client whose request cannot be read as HTTP what is wrong with it, as a problem with a request id, in place of the
/// HTTP server's own answer to that, which says nothing. The connection is closed then.
///
/// Confined to its connection's event loop.
final class MalformedRequests: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private let logger: Logger
    private let metrics: OperationMetrics
    /// The newest one; `nil` while the control plane is being loaded.
    private let revision: @Sendable () -> Revision?
    /// What could not be read and has no answer yet.
    private var fault: HTTPParserError?

    init(logger: Logger, metrics: OperationMetrics, revision: @escaping @Sendable () -> Revision?) {
        self.logger = logger
        self.metrics = metrics
        self.revision = revision
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        fault = error as? HTTPParserError
        context.fireErrorCaught(error)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        // A fault in a body has its answer from the router, which is not empty.
        guard let fault, case .head(let head) = unwrapOutboundIn(data), head.status == .badRequest,
            head.headerFields[.contentLength] == "0"
        else { return context.write(data, promise: promise) }
        self.fault = nil
        let error = TurnpikeError(malformed: fault)
        let id = RequestIdentity.makeID()
        logger.info(
            "request not read",
            metadata: [
                LogKey.requestID: "\(id)", LogKey.status: "\(error.code.status)", LogKey.error: "\(error.detail)",
                LogKey.remoteAddress: "\(context.channel.remoteAddress?.ipAddress ?? "")",
            ])
        let body = error.problem(detail: error.detail, instance: nil, requestID: id).bytes(.pretty)
        var headers: HTTPFields = [
            .connection: "close", .contentType: "application/problem+json", .contentLength: "\(body.count)",
            .requestID: id,
        ]
        headers[.turnpikeRevision] = revision().map { "\($0)" }
        let status = HTTPResponse.Status(code: error.code.status)
        metrics.noteUnread(status: status)
        context.write(wrapOutboundOut(.head(HTTPResponse(status: status, headerFields: headers))), promise: nil)
        context.write(wrapOutboundOut(.body(ByteBuffer(bytes: body))), promise: promise)
    }
}
