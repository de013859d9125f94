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
}
