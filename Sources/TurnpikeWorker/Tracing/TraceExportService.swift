// SPDX-License-Identifier: Apache-2.0

import Logging
import ServiceLifecycle
import TurnpikeProxy
import TurnpikeTelemetry

/// Exports traces for as long as the gateway serves, and at shutdown what is left. To be ended after the gateway.
struct TraceExportService: ServiceLifecycle.Service {
    let options: GatewayWorkerOptions.Tracing
    let buffer: TraceBuffer
    /// The worker's id, which tells its spans from those of others.
    let instance: String
    /// How long the last export may take.
    let finalTimeout: Duration
    let metrics: MetricsRegistry
    let logger: Logger

    func run() async throws {
        let collector = CollectorClient(options.collector)
        let exporter = TraceExporter(
            buffer: buffer, uplink: collector, resource: resource, interval: options.interval, metrics: metrics,
            logger: logger)
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await exporter.run() }
            // Ends by shutdown or by cancellation; either way this is over.
            try? await gracefulShutdown()
            group.cancelAll()
        }
        await exporter.flush(within: finalTimeout)
        try? await collector.shutDown()
    }

    /// By the Semantic Conventions for resources, section "Service".
    private var resource: [Span.Attribute] {
        [
            Span.Attribute(SpanKey.serviceName, .text("turnpike-gateway")),
            Span.Attribute(SpanKey.serviceInstance, .text(instance)),
            Span.Attribute(SpanKey.serviceVersion, .text(workerVersion)),
        ]
    }
}
