// SPDX-License-Identifier: Apache-2.0

import Logging
import TurnpikeProxyCore
import TurnpikeTelemetry

/// Tells the access log, the traces, the metrics and the log of one event loop what its gateway does.
final class GatewayWatch: GatewayObserver {
    private let log: AccessLog?
    private let traces: LoopTraces?
    let metrics: GatewayMetrics
    private let logger: Logger

    /// For the access log alone.
    var wantsParties: Bool { log != nil }
    var wantsAgent: Bool { log?.wantsAgent == true }

    init(log: AccessLog?, traces: LoopTraces?, metrics: GatewayMetrics, logger: Logger) {
        self.log = log
        self.traces = traces
        self.metrics = metrics
        self.logger = logger
    }

    func answered(
        _ exchange: ExchangeRecord, method: UnsafeRawBufferPointer, path: UnsafeRawBufferPointer,
        host: UnsafeRawBufferPointer
    ) {
        metrics.answered(exchange)
        log?.write(exchange, method: method, path: path, host: host)
    }

    func traced(
        _ trace: RequestTrace, of exchange: ExchangeRecord, method: UnsafeRawBufferPointer, path: UnsafeRawBufferPointer
    ) {
        traces?.write(trace, exchange, method: method, path: path)
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

    func healthChanged(_ change: HealthChange) {
        metrics.healthChanged(change)
        var metadata: Logger.Metadata = [
            LogKey.tenant: "\(change.tenant)", LogKey.service: "\(change.service)",
            LogKey.endpoint: "\(change.endpoint.text)",
        ]
        metadata[LogKey.reason] = change.failure.map { "\($0.rawValue)" }
        metadata[LogKey.status] = change.status.map { "\($0)" }
        if !change.isHealthy {
            logger.warning("An endpoint is unhealthy.", metadata: metadata)
        } else if !change.isFirst {
            logger.notice("An endpoint is healthy again.", metadata: metadata)
        }
    }

    func endpointsCounted(_ count: HealthCount) { metrics.endpointsCounted(count) }

    func lookedUp(isAnswered: Bool) { metrics.lookedUp(isAnswered: isAnswered) }

    func leaseWaitEnded(_ outcome: LeaseWaitOutcome) { metrics.leaseWaitEnded(outcome) }

    func configurationChanged() { metrics.configurationChanged() }

    func upkeep(idle: Int, open: Int) {
        metrics.upstreams(idle: idle, open: open)
        log?.flush()
    }

    /// Hands over the last traces, ends the log, and calls back on the loop when it is written; at once where there is none.
    func finish(_ done: @escaping () -> Void) {
        traces?.flush()
        if let log { log.finish(done) } else { done() }
    }
}
