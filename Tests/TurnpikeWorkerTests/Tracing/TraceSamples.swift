// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel
import TurnpikeSnapshot

@testable import TurnpikeProxy
@testable import TurnpikeProxyCore

/// Traced requests with numbers that can be told from each other.
enum TraceSample {
    /// Of tenant `acme`; requests of it need a key.
    static func route(paths: [PathMatch] = [.template("/v1/orders/{id}")]) throws -> GatewayRoute? {
        var state = GatewayState(hashSeed: 7)
        let delta = Delta(
            revision: 1, isSnapshot: true,
            set: [
                .route(
                    CompiledRoute(
                        tenant: "acme", name: "orders", id: ResourceID(high: 3, low: 3),
                        tenantID: ResourceID(high: 1, low: 1), hosts: ["api.acme.test"], paths: paths, methods: [],
                        priority: 0, requiresKey: true, backends: [.init(cluster: "orders", weight: 1)])),
                .cluster(
                    CompiledCluster(
                        tenant: "acme", name: "orders", id: ResourceID(high: 4, low: 4),
                        endpoints: [.init(host: "10.0.0.1", port: 9001, weight: 1)], connectTimeout: .seconds(5),
                        responseTimeout: .seconds(5))),
            ], removed: [])
        let configuration = try state.apply(delta)
        return Array("api.acme.test".utf8).withUnsafeBytes { configuration.tenant(of: $0)?.routes.values.first }
    }

    /// A trace as it is when the head of a request has been read.
    static func trace(
        of request: String = "GET /v1/orders/7?token=hidden HTTP/1.1\r\nHost: api.acme.test:8443\r\n\r\n",
        parent: UInt64? = 0xb7ad_6b71_6920_3331, isHTTP2: Bool = false
    ) -> RequestTrace {
        Array(request.utf8).withUnsafeBytes { bytes in
            var head = RequestHead()
            var parser = RequestParser(limits: HeadLimits())
            _ = parser.parse(bytes, into: &head)
            return RequestTrace(
                TraceParent(
                    traceHigh: 0x0af7_6519_16cd_43dd, traceLow: 0x8448_eb21_1c80_319c, parent: parent ?? 1, flags: 1),
                parent: parent, span: 0x11, head, bytes, from: ClientAddress(text: "192.0.2.7", bytes: [192, 0, 2, 7]),
                over: isHTTP2 ? .https : .http, isHTTP2: isHTTP2, now: 5_000_000_000)
        }
    }

    static func attempt(
        _ span: UInt64, at offset: UInt64 = 1000, until end: UInt64 = 2000, status: Int? = nil, failure: String? = nil,
        endpoint: EndpointAddress = EndpointAddress(host: "10.0.0.1", port: 9001), isReused: Bool = false
    ) -> RequestTrace.Try {
        var attempt = RequestTrace.Try(
            span: span, service: "orders", endpoint: endpoint, isReused: isReused, startedAt: 5_000_000_000 + offset)
        attempt.endedAt = 5_000_000_000 + end
        attempt.status = status
        attempt.failure = failure
        return attempt
    }

    static func exchange(
        _ trace: RequestTrace, status: Int, route: GatewayRoute? = nil, method: String = "GET",
        path: String = "/v1/orders/7", refusal: ErrorCode? = nil, detail: String? = nil
    ) -> TracedExchange {
        TracedExchange(
            trace: trace,
            exchange: ExchangeRecord(
                requestID: RequestID(high: 12, low: 13), receivedAt: Timestamp(seconds: 1_800_000_000), route: route,
                key: route == nil || refusal != nil ? nil : ResourceID(high: 2, low: 2), status: status, bytesIn: 321,
                bytesOut: 654, duration: 3000, upstreamDuration: nil, upstreamStatus: nil, refusal: refusal,
                detail: detail, attempts: trace.tries.count, admitted: refusal == nil),
            method: method, path: path, endedAt: 1_800_000_000_000_003_000)
    }
}
