// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeTelemetry

@Suite struct MetricNameTests {
    @Test(arguments: [
        ("http.server.active-requests", "http_server_active_requests"),
        ("9lives", "_9lives"),
        ("a:b_C9", "a:b_C9"),
        ("größe", "gr____e"),
        ("", "_"),
    ])
    func `what Prometheus does not allow becomes an underscore`(text: String, name: String) {
        #expect(MetricName(rawValue: text).rawValue == name)
    }

    @Test(arguments: [
        MetricName.requests, .requestDuration, .requestBytes, .responseBytes, .requestsRefused, .upstreamFailures,
        .upstreamEjections, .mirroredRequests, .upstreamEndpoints, .upstreamHealthChanges, .nameLookups,
        .upstreamDuration, .activeConnections, .connectionsRefused, .upstreamConnections, .configRevisionApplied,
        .configRejections,
        .controlPlaneConnected, .journalSlotsUsed, .journalSlots, .leaseWaits, .traceSpansSent,
        .traceSpansDropped, .traceExportFailures, .configRevision, .apiRequests,
        .apiRequestDuration, .writeDuration, .commitBatchSize, .compileDuration, .connectedWorkers, .commitFailures,
        .queueLength, .greatestLag,
        .usageBatches, .usageGaps, .leaseGrants, .leaseRefusals, .droppedLabelSets, .kindConflicts,
    ])
    func `our names are in our namespace, and name no unit but a base unit`(name: MetricName) throws {
        let text = name.rawValue
        #expect(try #/turnpike(_[a-z]+)+/#.wholeMatch(in: text) != nil)
        #expect(!["_ms", "_milliseconds", "_kb", "_count", "_sum", "_bucket"].contains { text.hasSuffix($0) })
    }
}
