// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel
import TurnpikeProxyCore
import TurnpikeTelemetry
import TurnpikeWorker

extension GatewaySettings {
    /// Bounds that nobody has a use beyond: a mistake of a unit is told, and not served by.
    private static let connections = 1...10_000_000
    private static let upstreamConnections = 1...1_000_000
    private static let headBytes = (1 << 10)...(1 << 20)
    private static let bodyBytes = 1...(1 << 50)
    private static let bodyRate = 0...1_000_000_000
    private static let metricSeries = 1...1_000_000
    private static let longest = Duration.seconds(24 * 60 * 60)

    /// What clients may take, as far as it was given.
    ///
    /// - Parameter text: what was given for a key.
    static func limit(
        _ options: inout GatewayWorkerOptions, by text: (Key) -> String?
    ) throws(Fault) {
        if let given = text(.maxConnections) {
            options.connections = try number(given, in: connections, "number of connections")
        }
        if let given = text(.maxUpstreamConnections) {
            options.pool.connections = try number(given, in: upstreamConnections, "number of connections")
        }
        if let given = text(.maxHeadBytes) {
            options.limits.head = HeadLimits(headBytes: try number(given, in: headBytes, "size of a head in bytes"))
        }
        if let given = text(.maxBodyBytes) {
            options.limits.bodyBytes = UInt64(try number(given, in: bodyBytes, "size of content in bytes"))
        }
        if let given = text(.minBodyRate) {
            options.limits.bodyRate = UInt64(try number(given, in: bodyRate, "number of bytes a second"))
        }
        if let given = text(.headTimeout) { options.limits.headTimeout = try nanoseconds(given) }
        if let given = text(.bodyTimeout) { options.limits.bodyTimeout = try nanoseconds(given) }
        if let given = text(.idleTimeout) { options.limits.idleTimeout = try nanoseconds(given) }
        if let given = text(.upstreamPingTimeout) { options.pool.silence.untilGone = try nanoseconds(given) }
        if let given = text(.drainTimeout) { options.drainTimeout = try duration(given) }
    }

    /// Label sets of one metric.
    static func metricSeries(_ text: String?) throws(Fault) -> Int {
        guard let text else { return MetricsRegistry.defaultSeriesLimit }
        return try number(text, in: metricSeries, "number of series")
    }

    private static func number(_ text: String, in range: ClosedRange<Int>, _ what: String) throws(Fault) -> Int {
        if let number = Int(text), range.contains(number) { return number }
        throw Fault(reason: "'\(text)' is no \(what); it must be from \(range.lowerBound) to \(range.upperBound).")
    }

    private static func nanoseconds(_ text: String) throws(Fault) -> UInt64 {
        UInt64(clamping: try duration(text).inNanoseconds)
    }

    private static func duration(_ text: String) throws(Fault) -> Duration {
        if let duration = Duration(text: text), .zero < duration, duration <= longest { return duration }
        throw Fault(reason: "'\(text)' is no time to wait; it must be like 250ms, 30s or 5m, above 0s and at most 24h.")
    }
}
