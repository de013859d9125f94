// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel
import TurnpikeProxy
import TurnpikeProxyCore
import TurnpikeTelemetry

extension TracedExchange {
    /// The span of the request (kind SERVER), and behind it one for each try at an upstream (kind CLIENT), its children: names,
    /// status and attributes by OpenTelemetry's Semantic Conventions for HTTP, sections "HTTP server span" and "HTTP client
    /// span".
    ///
    /// They hold no field of the request or the answer but the host, no query and no key.
    var spans: [Span] { [requestSpan] + trace.tries.indices.map(trySpan) }

    private var traceID: TraceContext.TraceID { TraceContext.TraceID(high: trace.traceHigh, low: trace.traceLow) }

    /// The wall clock at a time of the gateway's, which is the time at which the request was over minus what lies between.
    private func wall(_ time: UInt64) -> UInt64 { endedAt &- exchange.duration &+ (time &- trace.startedAt) }

    // MARK: - The request

    private var requestSpan: Span {
        Span(
            traceID: traceID, id: trace.span, parentID: trace.parent, hasRemoteParent: trace.parent != nil,
            name: [methodName, exchange.route.map { $0.path ?? $0.name }].compactMap(\.self).joined(separator: " "),
            kind: .server, startedAt: wall(trace.startedAt), endedAt: endedAt, attributes: requestAttributes,
            fault: requestFailure == nil ? nil : Span.Fault(message: exchange.detail))
    }

    private var requestAttributes: [Span.Attribute] {
        var all = AttributeList()
        all.add(method: method)
        all.add(SpanKey.urlScheme, scheme)
        all.add(SpanKey.urlPath, path)
        all.add(SpanKey.route, exchange.route?.path)
        all.add(SpanKey.responseStatus, exchange.status)
        all.add(SpanKey.errorType, requestFailure)
        if !trace.host.isEmpty {
            all.add(SpanKey.serverAddress, trace.host)
            all.add(SpanKey.serverPort, trace.port.map { Int($0) })
        }
        all.add(SpanKey.clientAddress, trace.client)
        all.add(SpanKey.protocolVersion, trace.version.rawValue)
        all.add(SpanKey.requestSize, Int(exchange.bytesIn))
        all.add(SpanKey.responseSize, Int(exchange.bytesOut))
        all.add(SpanKey.tenant, exchange.route?.tenant)
        all.add(SpanKey.turnpikeRoute, exchange.route?.name)
        all.add(SpanKey.service, trace.tries.last?.service)
        all.add(SpanKey.requestID, exchange.requestID.description)
        all.add(SpanKey.keyID, exchange.key?.text(prefix: Kind.apiKey.idPrefix))
        all.add(SpanKey.refusal, exchange.refusal?.rawValue)
        return all.attributes
    }

    /// What `error.type` says; nil where the request did not fail. A client's fault (4xx) is no error of the server's (section
    /// "Status").
    private var requestFailure: String? {
        if exchange.status >= 500 { return exchange.refusal?.rawValue ?? String(exchange.status) }
        return trace.wasCutShort ? "cut_short" : nil
    }

    // MARK: - Tries

    private func trySpan(_ index: Int) -> Span {
        let attempt = trace.tries[index]
        let failure = failure(of: attempt)
        return Span(
            traceID: traceID, id: attempt.span, parentID: trace.span, hasRemoteParent: false, name: methodName,
            kind: .client, startedAt: wall(attempt.startedAt), endedAt: attempt.endedAt.map(wall) ?? endedAt,
            attributes: attributes(of: attempt, resent: index, failure), fault: failure.map { _ in Span.Fault() })
    }

    private func attributes(of attempt: RequestTrace.Try, resent: Int, _ failure: String?) -> [Span.Attribute] {
        let endpoint = attempt.endpoint
        var all = AttributeList()
        all.add(method: method)
        all.add(SpanKey.fullURL, trace.upstreamPath.map { endpoint.url(path: $0) })
        all.add(SpanKey.responseStatus, attempt.status)
        all.add(SpanKey.errorType, failure)
        all.add(SpanKey.resendCount, resent > 0 ? resent : nil)
        all.add(SpanKey.serverAddress, endpoint.host)
        all.add(SpanKey.serverPort, endpoint.port)
        all.add(SpanKey.peerAddress, endpoint.numeric?.first)
        all.add(SpanKey.protocolVersion, endpoint.wire.speaksHTTP2 ? "2" : "1.1")
        all.add(SpanKey.tenant, exchange.route?.tenant)
        all.add(SpanKey.turnpikeRoute, exchange.route?.name)
        all.add(SpanKey.service, attempt.service)
        all.add(SpanKey.reusedConnection, attempt.isReused)
        return all.attributes
    }

    /// What `error.type` says of a try. Towards an upstream the gateway is the client, to whom a 4xx is an error as well.
    private func failure(of attempt: RequestTrace.Try) -> String? {
        if let failure = attempt.failure { return failure }
        guard let status = attempt.status else { return "abandoned" }
        return status >= 400 ? String(status) : nil
    }

    // MARK: - Words

    private var scheme: String { trace.scheme == .https ? "https" : "http" }

    /// In names of spans (section "Name").
    private var methodName: String { AttributeList.isKnown(method) ? method : "HTTP" }
}

extension EndpointAddress {
    fileprivate func url(path: String) -> String {
        let name = host.contains(":") ? "[\(host)]" : host
        return "\(wire.tls == nil ? "http" : "https")://\(name):\(port)\(path.hasPrefix("/") ? path : "")"
    }
}

/// Attributes in the order in which they are added; what is nil is left out.
private struct AttributeList {
    private(set) var attributes: [Span.Attribute] = []

    mutating func add(_ name: String, _ text: String?) {
        if let text { attributes.append(Span.Attribute(name, .text(text))) }
    }

    mutating func add(_ name: String, _ number: Int?) {
        if let number { attributes.append(Span.Attribute(name, .number(Int64(number)))) }
    }

    mutating func add(_ name: String, _ flag: Bool) { attributes.append(Span.Attribute(name, .flag(flag))) }

    /// A method that nobody has heard of must not become a value of its own (note 1 of the conventions); what was sent stands
    /// beside it, cut off.
    mutating func add(method: String) {
        guard !Self.isKnown(method) else { return add(SpanKey.requestMethod, method) }
        add(SpanKey.requestMethod, "_OTHER")
        add(SpanKey.originalMethod, String(method.prefix(32)))
    }

    /// Of RFC 9110 and RFC 5789.
    static func isKnown(_ method: String) -> Bool {
        HTTPMethod.allCases.contains { $0 != .other && $0.name.description == method }
    }
}
