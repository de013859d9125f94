// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel
import TurnpikeProxyCore
import TurnpikeSnapshot
import TurnpikeTelemetry

/// Lets go of the metric series of routes, services and tenants that are not served any more, so that what comes and goes does not
/// fill the metrics up, and what stays is never touched.
struct SeriesUpkeep: Sendable {
    /// Between two looks at what has left.
    private static let interval = Duration.seconds(60)
    /// How long series can still be scraped after that: some of the usual intervals of Prometheus's.
    static let retention = Duration.seconds(300)

    let sink: GatewaySink
    let metrics: MetricsRegistry

    /// Until the task is cancelled.
    func run() async {
        let start = ContinuousClock.now
        while (try? await Task.sleep(for: Self.interval)) != nil {
            let now = UInt64(clamping: start.duration(to: .now).inNanoseconds)
            metrics.dropSeries(notOf: sink.served, at: now)
        }
    }
}

extension MetricsRegistry {
    /// - Parameters:
    ///   - state: what is served.
    ///   - now: of a clock that never goes back; nanoseconds.
    func dropSeries(notOf state: GatewayState, at now: UInt64) {
        let retention = UInt64(clamping: SeriesUpkeep.retention.inNanoseconds)
        dropSeries(at: now, after: retention) { !state.has($0) }
    }
}

extension GatewayState {
    fileprivate func has(_ subject: MetricSubject) -> Bool {
        switch subject {
        case .tenant(let name): hasTenant(name)
        case .route(let tenant, let name): has(CompiledName(.route, tenant: tenant, name: name))
        case .service(let tenant, let name): has(CompiledName(.cluster, tenant: tenant, name: name))
        }
    }
}
