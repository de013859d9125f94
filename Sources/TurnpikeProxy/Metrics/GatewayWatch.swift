// SPDX-License-Identifier: Apache-2.0

import TurnpikeProxyCore

/// Tells the access log and the metrics of one event loop what its gateway does.
final class GatewayWatch: GatewayObserver {
    private let log: AccessLog?
    let metrics: GatewayMetrics

    init(log: AccessLog?, metrics: GatewayMetrics) {
        self.log = log
        self.metrics = metrics
    }

    func answered(_ exchange: ExchangeRecord, method: UnsafeRawBufferPointer, path: UnsafeRawBufferPointer) {
        metrics.answered(exchange)
        log?.write(exchange, method: method, path: path)
    }

    func upstreamFailed(_ failure: UpstreamFailure, route: GatewayRoute, service: String) {
        metrics.upstreamFailed(failure, tenant: route.tenant, service: service)
    }

    func endpointEjected(route: GatewayRoute, service: String) {
        metrics.endpointEjected(tenant: route.tenant, service: service)
    }

    func mirrored(_ outcome: MirrorOutcome, route: GatewayRoute, service: String) {
        metrics.mirrored(outcome, tenant: route.tenant, service: service)
    }

    func leaseWaitEnded(_ outcome: LeaseWaitOutcome) { metrics.leaseWaitEnded(outcome) }

    func configurationChanged() { metrics.configurationChanged() }

    func upkeep(idle: Int, open: Int) {
        metrics.upstreams(idle: idle, open: open)
        log?.flush()
    }

    /// Ends the log, and calls back on the loop when it is written; at once where there is none.
    func finish(_ done: @escaping () -> Void) {
        if let log { log.finish(done) } else { done() }
    }
}
