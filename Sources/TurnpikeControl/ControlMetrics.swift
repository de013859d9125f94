// SPDX-License-Identifier: Apache-2.0

import TurnpikeTelemetry

/// What the control plane counts.
struct ControlMetrics: Sendable {
    let revision: Gauge
    let compiledResources: Gauge
    let writeDuration: Histogram
    let batchSize: Histogram
    let commitFailures: Counter
    let compileDuration: Histogram
    let rolloutDuration: Histogram
    let settleDuration: Histogram
    let failedLogins: Counter
    let usageTaken: Counter
    let usageRepeated: Counter
    let usageRefused: Counter
    let usageGaps: Counter
    private let registry: MetricsRegistry

    init(_ registry: MetricsRegistry) {
        self.registry = registry
        revision = registry.gauge(.configRevision, help: "The newest committed revision.")
        compiledResources = registry.gauge(.compiledResources, help: "Compiled resources that workers serve by.")
        writeDuration = registry.histogram(
            .writeDuration, help: "Time from a write's submission until it is durable and published.")
        batchSize = registry.histogram(
            .commitBatchSize, help: "Write transactions that shared one durable commit.", bounds: Histogram.batchSizes)
        commitFailures = registry.counter(.commitFailures, help: "Commits that the storage refused.")
        compileDuration = registry.histogram(.compileDuration, help: "Time to compile and publish one batch of writes.")
        rolloutDuration = registry.histogram(
            .rolloutDuration, help: "Time from a revision's publication until a connected worker has applied it.")
        settleDuration = registry.histogram(
            .settleDuration, help: "Time to settle a group of what workers bring to the ledger.")
        failedLogins = registry.counter(.failedLogins, help: "Credentials that were not valid.")
        func batches(_ outcome: String) -> Counter {
            registry.counter(.usageBatches, help: "Batches of usage, by outcome.", labels: [("outcome", outcome)])
        }
        usageTaken = batches("taken")
        usageRepeated = batches("repeated")
        usageRefused = batches("refused")
        usageGaps = registry.counter(.usageGaps, help: "Times that batches of usage were missing before one that came.")
    }

    func leaseGrants(of tenant: String) -> Counter {
        registry.counter(.leaseGrants, help: "Leases granted, by tenant.", labels: [("tenant", tenant)])
    }

    func leaseRefusals(of tenant: String) -> Counter {
        registry.counter(
            .leaseRefusals, help: "Leases refused because the quota is spent, by tenant.", labels: [("tenant", tenant)])
    }

    func rateLimited(of what: String) -> Counter {
        registry.counter(
            .rateLimited, help: "Requests refused because somebody asks too much, by whose.", labels: [("of", what)])
    }

    func ready(read: @escaping @Sendable () -> Double) {
        registry.gauge(.ready, help: "1 while the control plane takes work, else 0.", labels: [], read: read)
    }

    func openFeeds(read: @escaping @Sendable () -> Double) {
        registry.gauge(.openFeeds, help: "Feeds of the log that are open now.", labels: [], read: read)
    }

    func queue(_ name: String, read: @escaping @Sendable () -> Double) {
        registry.gauge(
            .queueLength, help: "What waits its turn, by queue.", labels: [("queue", name)], read: read)
    }

    func waitingRequests(_ what: String, read: @escaping @Sendable () -> Double) {
        registry.gauge(
            .waitingRequests, help: "Requests whose answer waits for something, by what for.", labels: [("for", what)],
            read: read)
    }

    func greatestLag(read: @escaping @Sendable () -> Double) {
        registry.gauge(
            .greatestLag, help: "Revisions that the connected worker furthest behind has yet to apply.", labels: [],
            read: read)
    }

    func greatestLagTime(read: @escaping @Sendable () -> Double) {
        registry.gauge(
            .greatestLagTime, help: "How long the connected worker furthest behind has had something to apply.",
            labels: [],
            read: read)
    }

    func connectedWorkers(_ kind: String, read: @escaping @Sendable () -> Double) {
        registry.gauge(
            .connectedWorkers, help: "Workers whose stream is open now, by kind.", labels: [("kind", kind)], read: read)
    }
}
