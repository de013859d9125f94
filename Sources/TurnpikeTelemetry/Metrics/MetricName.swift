// SPDX-License-Identifier: Apache-2.0

/// The name of a metric in the Prometheus data model: `[a-zA-Z_:][a-zA-Z0-9_:]*`.
///
/// Any text makes a name: what Prometheus does not allow becomes `_`, so that the dotted names of libraries stay
/// readable. Names of our own begin with `turnpike_`, carry their base unit (`_seconds`, `_bytes`), and end in
/// `_total` where they count. They are constants here, so that dashboards and alerts have one list to hold to.
public struct MetricName: Sendable, Hashable, Comparable, RawRepresentable, ExpressibleByStringLiteral {
    public let rawValue: String

    public init(rawValue: String) {
        self.rawValue = PrometheusText.identifier(rawValue, allowsColon: true)
    }

    public init(stringLiteral value: String) {
        self.init(rawValue: value)
    }

    public static func < (left: MetricName, right: MetricName) -> Bool {
        left.rawValue < right.rawValue
    }
}

/// The metrics of the registry itself.
extension MetricName {
    /// Look-ups of label sets that found their metric full, by `metric`.
    public static let droppedLabelSets: MetricName = "turnpike_metrics_dropped_label_sets_total"
    /// Registrations under a name that already belongs to a metric of another kind, by `metric`.
    public static let kindConflicts: MetricName = "turnpike_metrics_kind_conflicts_total"
}

/// What a gateway or sidecar worker reports.
extension MetricName {
    /// Requests answered, by `tenant`, `route`, `status_class`.
    public static let requests: MetricName = "turnpike_requests_total"
    /// Time from a request's first byte to its answer's last, by `tenant`.
    public static let requestDuration: MetricName = "turnpike_request_duration_seconds"
    /// Bytes of requests received from clients, by `tenant`.
    public static let requestBytes: MetricName = "turnpike_request_bytes_total"
    /// Bytes of answers sent to clients, by `tenant`.
    public static let responseBytes: MetricName = "turnpike_response_bytes_total"
    /// Requests refused by a policy, by `tenant`, `reason`.
    public static let requestsRefused: MetricName = "turnpike_requests_refused_total"
    /// Attempts at an upstream that failed, by `tenant`, `service`, `reason`.
    public static let upstreamFailures: MetricName = "turnpike_upstream_failures_total"
    /// Endpoints taken out by outlier detection, by `tenant`, `service`.
    public static let upstreamEjections: MetricName = "turnpike_upstream_ejections_total"
    /// Copies of requests for services that watch, by `tenant`, `service`, `outcome` (`answered`, `failed`, `too_large`,
    /// `overloaded`, `incomplete`).
    public static let mirroredRequests: MetricName = "turnpike_mirrored_requests_total"
    /// Endpoints of services that are checked, by `tenant`, `service`, `state` (`healthy`, `unhealthy`, `unknown`), summed over
    /// event loops, each of which checks by itself.
    public static let upstreamEndpoints: MetricName = "turnpike_upstream_endpoints"
    /// Changes of an endpoint's health, by `tenant`, `service`, `to` (`healthy`, `unhealthy`).
    public static let upstreamHealthChanges: MetricName = "turnpike_upstream_health_changes_total"
    /// Look-ups of endpoints' names, by `outcome` (`answered`, `failed`).
    public static let nameLookups: MetricName = "turnpike_name_lookups_total"
    /// Time from handing a request to an upstream to the head of its answer, by `tenant`; of several tries, the last.
    public static let upstreamDuration: MetricName = "turnpike_upstream_duration_seconds"
    /// Client connections open now.
    public static let activeConnections: MetricName = "turnpike_active_connections"
    /// Client connections that were closed as they came, since there were as many as there may be.
    public static let connectionsRefused: MetricName = "turnpike_connections_refused_total"
    /// TLS handshakes of clients that came to nothing.
    public static let handshakeFailures: MetricName = "turnpike_handshake_failures_total"
    /// Connections of HTTP/2 that were ended for what their client did, with all of their streams, by `reason` (`protocol_error`,
    /// `flow_control_error`, `frame_size_error`, `compression_error`, `enhance_your_calm`).
    public static let http2ConnectionFaults: MetricName = "turnpike_http_connection_faults_total"
    /// When the first of the certificates that are shown to upstreams ends, in seconds since 1970; 0 where there is none, absent
    /// without a folder of them.
    public static let clientCertificateExpiry: MetricName = "turnpike_client_certificate_expiry_timestamp_seconds"
    /// Upstream connections open now, by `state` (`idle`, `busy`).
    public static let upstreamConnections: MetricName = "turnpike_upstream_connections"
    /// The revision of the configuration in force.
    public static let configRevisionApplied: MetricName = "turnpike_config_revision_applied"
    /// Configurations a worker refused.
    public static let configRejections: MetricName = "turnpike_config_rejections_total"
    /// 1 while the stream to the control plane is up, else 0.
    public static let controlPlaneConnected: MetricName = "turnpike_control_plane_connected"
    /// Slots of the usage journal in use.
    public static let journalSlotsUsed: MetricName = "turnpike_journal_slots_used"
    /// Slots the usage journal has.
    public static let journalSlots: MetricName = "turnpike_journal_slots"
    /// Spans that a collector has taken.
    public static let traceSpansSent: MetricName = "turnpike_trace_spans_sent_total"
    /// Spans that no collector has taken, by `reason`: `full` (more than can wait), `refused` (by the collector, with the rest of
    /// their batch), `rejected` (by the collector, alone), `undelivered` (it could not be reached for too long), `shutdown`.
    public static let traceSpansDropped: MetricName = "turnpike_trace_spans_dropped_total"
    /// Batches of spans that were not taken at once, by `reason` (`unreachable`, `busy`, `refused`); a batch may fail several times.
    public static let traceExportFailures: MetricName = "turnpike_trace_export_failures_total"
    /// Requests that waited for a quota lease, by `outcome`.
    public static let leaseWaits: MetricName = "turnpike_lease_waits_total"
    /// Time from asking the control plane for leases to its answer, or to giving up.
    public static let leaseRoundTrip: MetricName = "turnpike_lease_round_trip_seconds"
    /// How long the oldest batch of usage has been on its way to the control plane; 0 where none is.
    public static let usageUnreported: MetricName = "turnpike_usage_unreported_seconds"
}

/// What a control plane reports.
extension MetricName {
    /// The newest committed revision.
    public static let configRevision: MetricName = "turnpike_config_revision"
    /// Compiled resources that workers serve by.
    public static let compiledResources: MetricName = "turnpike_compiled_resources"
    /// Commits that the storage refused.
    public static let commitFailures: MetricName = "turnpike_commit_failures_total"
    /// What waits its turn, by `queue`: writes to be made durable (`log`), what workers bring to the ledger (`usage`, `leases`),
    /// texts to be parsed (`yaml`).
    public static let queueLength: MetricName = "turnpike_queue_length"
    /// Revisions that the connected worker furthest behind has yet to apply.
    public static let greatestLag: MetricName = "turnpike_worker_lag_revisions"
    /// How long the connected worker furthest behind has had something to apply that it has not; 0 where all serve by the newest.
    public static let greatestLagTime: MetricName = "turnpike_worker_lag_seconds"
    /// Requests whose answer waits for something, by `for`: workers (`rollout`), the log (`revision`).
    public static let waitingRequests: MetricName = "turnpike_waiting_requests"
    /// Connections to the REST API and of workers' streams that are open now.
    public static let apiConnections: MetricName = "turnpike_api_connections"
    /// Requests to the REST API, by `operation`, `status_class`.
    public static let apiRequests: MetricName = "turnpike_api_requests_total"
    /// Time to answer a request to the REST API, by `operation`.
    public static let apiRequestDuration: MetricName = "turnpike_api_request_duration_seconds"
    /// Time from a write's submission until it is durable.
    public static let writeDuration: MetricName = "turnpike_write_duration_seconds"
    /// Time from a revision's publication until a connected worker has applied it.
    public static let rolloutDuration: MetricName = "turnpike_rollout_duration_seconds"
    /// Time to settle a group of what workers bring to the ledger.
    public static let settleDuration: MetricName = "turnpike_settle_duration_seconds"
    /// 1 while the control plane takes work, else 0: what `/readyz` says.
    public static let ready: MetricName = "turnpike_ready"
    /// Feeds of the log that are open now.
    public static let openFeeds: MetricName = "turnpike_open_feeds"
    /// Credentials that were not valid.
    public static let failedLogins: MetricName = "turnpike_failed_logins_total"
    /// Requests to the control plane that were refused because somebody asks too much, by `of` (`address`, `tenant`,
    /// `feeds`).
    public static let rateLimited: MetricName = "turnpike_rate_limited_total"
    /// When the TLS certificate that is shown to clients ends, the first of several, in seconds since 1970; 0 where there is none,
    /// absent without TLS.
    public static let certificateExpiry: MetricName = "turnpike_certificate_expiry_timestamp_seconds"
    /// Bytes of the database's files, by `file` (`database`, `wal`).
    public static let databaseBytes: MetricName = "turnpike_database_bytes"
    /// Write transactions that shared one durable commit.
    public static let commitBatchSize: MetricName = "turnpike_commit_batch_size"
    /// Time to compile the change of one revision.
    public static let compileDuration: MetricName = "turnpike_compile_duration_seconds"
    /// Workers whose stream is open now, by `kind`.
    public static let connectedWorkers: MetricName = "turnpike_connected_workers"
    /// Batches of usage, by `outcome` (`taken`, `repeated`, `refused`).
    public static let usageBatches: MetricName = "turnpike_usage_batches_total"
    /// Sequence numbers missing between batches of usage of one worker epoch.
    public static let usageGaps: MetricName = "turnpike_usage_gaps_total"
    /// Leases granted, by `tenant`.
    public static let leaseGrants: MetricName = "turnpike_lease_grants_total"
    /// Leases refused because the quota is spent, by `tenant`.
    public static let leaseRefusals: MetricName = "turnpike_lease_refusals_total"
}
