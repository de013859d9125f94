// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel
import TurnpikeProxyCore
import TurnpikeTelemetry

/// What one event loop adds to the metrics, by handles that are looked up once a route and then kept. Confined to that loop.
///
/// What a client can choose never becomes a label: requests without a route share one series.
final class GatewayMetrics {
    /// An object, so that finding it is one look-up and no copy.
    private final class RouteMetrics {
        /// By class of status.
        var requests: [Counter?] = [nil, nil, nil, nil, nil]
        let duration: Histogram
        let upstreamDuration: Histogram
        let bytesIn: Counter
        let bytesOut: Counter

        init(duration: Histogram, upstreamDuration: Histogram, bytesIn: Counter, bytesOut: Counter) {
            self.duration = duration
            self.upstreamDuration = upstreamDuration
            self.bytesIn = bytesIn
            self.bytesOut = bytesOut
        }

        /// - Returns: false where none of its class of status was counted before.
        func count(_ exchange: ExchangeRecord) -> Bool {
            guard let counter = requests[Int(exchange.statusClass) - 1] else { return false }
            counter.increment()
            // The life of a tunnel says nothing of how fast requests are answered.
            if exchange.status != 101 { duration.observe(Double(exchange.duration) * 1e-9) }
            if let time = exchange.upstreamDuration { upstreamDuration.observe(Double(time) * 1e-9) }
            bytesIn.increment(by: UInt64(clamping: exchange.bytesIn))
            bytesOut.increment(by: UInt64(clamping: exchange.bytesOut))
            return true
        }

        /// Counts the first of its class of status.
        func begin(_ counter: Counter, _ exchange: ExchangeRecord) {
            requests[Int(exchange.statusClass) - 1] = counter
            _ = count(exchange)
        }
    }

    private let registry: MetricsRegistry
    private var routes: [ResourceID: RouteMetrics] = [:]
    /// The one of the request before, which the next is likely to be of.
    private var latest: (route: ResourceID, metrics: RouteMetrics)?
    /// What was said last of services that are checked.
    private var healthCounts: [ResourceID: HealthCount] = [:]
    let activeConnections: GaugePart
    private let idleUpstreams: GaugePart
    private let busyUpstreams: GaugePart

    init(_ registry: MetricsRegistry) {
        self.registry = registry
        activeConnections = GaugePart(
            of: registry.gauge(.activeConnections, help: "Client connections open now."))
        func upstreams(_ state: String) -> GaugePart {
            GaugePart(
                of: registry.gauge(
                    .upstreamConnections, help: "Upstream connections open now.", labels: [("state", state)]))
        }
        idleUpstreams = upstreams("idle")
        busyUpstreams = upstreams("busy")
    }

    func answered(_ exchange: ExchangeRecord) {
        let metrics = metrics(of: exchange.route)
        if !metrics.count(exchange) { metrics.begin(requests(of: exchange), exchange) }
        if let refusal = exchange.refusal {
            registry.counter(
                .requestsRefused, help: "Requests refused by the gateway.",
                labels: [("tenant", exchange.route?.tenant ?? ""), ("reason", refusal.rawValue)],
                of: exchange.route.map { .tenant($0.tenant) }
            ).increment()
        }
    }

    private func metrics(of route: GatewayRoute?) -> RouteMetrics {
        let id = route?.id ?? .zero
        if let latest, latest.route == id { return latest.metrics }
        let found = routes[id] ?? makeMetrics(tenant: route?.tenant)
        routes[id] = found
        latest = (id, found)
        return found
    }

    private func requests(of exchange: ExchangeRecord) -> Counter {
        registry.counter(
            .requests, help: "Requests answered.",
            labels: [
                ("tenant", exchange.route?.tenant ?? ""), ("route", exchange.route?.name ?? ""),
                ("status_class", "\(exchange.statusClass)xx"),
            ],
            of: exchange.route.map { .route(tenant: $0.tenant, name: $0.name) }
        )
    }

    func upstreamFailed(_ failure: UpstreamFailure, tenant: String, service: String) {
        registry.counter(
            .upstreamFailures, help: "Attempts at an upstream that failed.",
            labels: [("tenant", tenant), ("service", service), ("reason", failure.rawValue)],
            of: .service(tenant: tenant, name: service)
        ).increment()
    }

    func endpointEjected(tenant: String, service: String) {
        registry.counter(
            .upstreamEjections, help: "Endpoints taken out for what they answered.",
            labels: [("tenant", tenant), ("service", service)], of: .service(tenant: tenant, name: service)
        ).increment()
    }

    func mirrored(_ outcome: MirrorOutcome, tenant: String, service: String) {
        registry.counter(
            .mirroredRequests, help: "Copies of requests for services that watch.",
            labels: [("tenant", tenant), ("service", service), ("outcome", outcome.rawValue)],
            of: .service(tenant: tenant, name: service)
        ).increment()
    }

    func healthChanged(_ change: HealthChange) {
        registry.counter(
            .upstreamHealthChanges, help: "Changes of an endpoint's health, as checks see it.",
            labels: [
                ("tenant", change.tenant), ("service", change.service),
                ("to", change.isHealthy ? "healthy" : "unhealthy"),
            ],
            of: .service(tenant: change.tenant, name: change.service)
        ).increment()
    }

    /// Loops add up: what this one has said before is taken off.
    func endpointsCounted(_ count: HealthCount) {
        let former = healthCounts.updateValue(count, forKey: count.service)
        func add(_ state: String, _ number: (HealthCount) -> Int) {
            registry.gauge(
                .upstreamEndpoints, help: "Endpoints of checked services, summed over the event loops.",
                labels: [("tenant", count.tenant), ("service", count.name), ("state", state)],
                of: .service(tenant: count.tenant, name: count.name)
            ).add(Double(number(count) - (former.map(number) ?? 0)))
        }
        add("healthy") { $0.healthy }
        add("unhealthy") { $0.unhealthy }
        add("unknown") { $0.unknown }
        if count.healthy + count.unhealthy + count.unknown == 0 { healthCounts[count.service] = nil }
    }

    func lookedUp(isAnswered: Bool) {
        registry.counter(
            .nameLookups, help: "Look-ups of endpoints' names.",
            labels: [("outcome", isAnswered ? "answered" : "failed")]
        ).increment()
    }

    func leaseWaitEnded(_ outcome: LeaseWaitOutcome) {
        registry.counter(
            .leaseWaits, help: "Requests that waited for a quota lease.", labels: [("outcome", outcome.rawValue)]
        ).increment()
    }

    func connectionRefused() {
        registry.counter(.connectionsRefused, help: "Client connections closed as they came, for want of room.")
            .increment()
    }

    func handshakeFailed() {
        registry.counter(.handshakeFailures, help: "TLS handshakes of clients that came to nothing.").increment()
    }

    func connectionFailed(_ fault: HTTP2ConnectionFault) {
        registry.counter(
            .http2ConnectionFaults, help: "Connections of HTTP/2 ended for what their client did.",
            labels: [("reason", fault.rawValue)]
        ).increment()
    }

    func upstreams(idle: Int, open: Int) {
        idleUpstreams.set(idle)
        busyUpstreams.set(open - idle)
    }

    /// Routes may be gone or have other names: handles are looked up anew.
    func configurationChanged() {
        routes.removeAll()
        latest = nil
    }

    private func makeMetrics(tenant: String?) -> RouteMetrics {
        let labels = [("tenant", tenant ?? "")]
        let subject = tenant.map { MetricSubject.tenant($0) }
        return RouteMetrics(
            duration: registry.histogram(
                .requestDuration, help: "Time from a request's head to the end of its answer.", labels: labels,
                of: subject),
            upstreamDuration: registry.histogram(
                .upstreamDuration, help: "Time from handing a request to an upstream to the head of its answer.",
                labels: labels, of: subject),
            bytesIn: registry.counter(
                .requestBytes, help: "Bytes of requests received from clients.", labels: labels, of: subject),
            bytesOut: registry.counter(
                .responseBytes, help: "Bytes of answers sent to clients.", labels: labels, of: subject)
        )
    }
}
