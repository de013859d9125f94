// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

/// What clients may take of a gateway's time and memory, on the command line.
struct GatewayLimitOptions: ParsableArguments {
    @Option(help: "Client connections open at once; those beyond are closed as they come. (default: 65536)")
    var maxConnections: String?

    @Option(help: "Connections of each event loop to one endpoint. (default: 1024)")
    var maxUpstreamConnections: String?

    @Option(help: "Bytes of a request's or an answer's head. (default: 32768)")
    var maxHeadBytes: String?

    @Option(help: "Bytes of a request's content, whatever its route allows. (default: no bound)")
    var maxBodyBytes: String?

    @Option(help: "Bytes a second of content, in the long run, at least; 0 for any. (default: 240)")
    var minBodyRate: String?

    @Option(
        help: """
            Series that one metric may have, such as one for each route and class of status; those beyond share one. (default: 2000)
            """)
    var maxMetricSeries: String?

    @Option(help: "From the first byte of a request's head to its last. (default: 10s)")
    var headTimeout: String?

    @Option(
        help: """
            Between two pieces of a request's content, and for a client to take any of its answer. (default: 60s)
            """)
    var bodyTimeout: String?

    @Option(help: "From one request of a connection to the next. (default: 60s)")
    var idleTimeout: String?

    @Option(help: "For an upstream over HTTP/2 that has said nothing for 10s to answer a ping. (default: 20s)")
    var upstreamPingTimeout: String?

    @Option(help: "For requests in flight to finish when the gateway stops. (default: 30s)")
    var drainTimeout: String?

    var values: [GatewaySettings.Key: String?] {
        [
            .maxConnections: maxConnections, .maxUpstreamConnections: maxUpstreamConnections,
            .maxHeadBytes: maxHeadBytes, .maxBodyBytes: maxBodyBytes, .minBodyRate: minBodyRate,
            .maxMetricSeries: maxMetricSeries,
            .headTimeout: headTimeout, .bodyTimeout: bodyTimeout, .idleTimeout: idleTimeout,
            .upstreamPingTimeout: upstreamPingTimeout, .drainTimeout: drainTimeout,
        ]
    }
}
