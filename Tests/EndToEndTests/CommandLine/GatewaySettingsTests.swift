// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeModel
import TurnpikeProxy
import TurnpikeProxyCore
import TurnpikeWorker

@testable import turnpike_worker

@Suite struct GatewaySettingsTests {
    private func loops(
        flag: String? = nil, environment: String? = nil, file: String? = nil
    ) throws -> Int {
        try GatewaySettings(
            flags: flag.map { [.loops: $0] } ?? [:], environment: environment.map { ["TURNPIKE_LOOPS": $0] } ?? [:],
            file: file
        ).options.loops
    }

    @Test func `there is an event loop for each processor, unless somebody says otherwise`() throws {
        #expect(try loops() == GatewayOptions.automaticLoops)
        #expect(try loops(flag: "auto", environment: "3") == GatewayOptions.automaticLoops)
        #expect(try loops(flag: "5", environment: "3", file: #"{"loops": 2}"#) == 5)
        #expect(try loops(environment: "3", file: #"{"loops": 2}"#) == 3)
        #expect(try loops(file: #"{"loops": 2}"#) == 2)
        #expect(try loops(file: #"{"loops": "4"}"#) == 4)
    }

    @Test(arguments: ["0", "-1", "129", "two", "1.5"])
    func `what is no number of loops is refused`(text: String) {
        let fault = #expect(throws: GatewaySettings.Fault.self) { try loops(flag: text) }
        #expect(fault?.reason == "'\(text)' is no number of loops; it must be auto, or from 1 to 128.")
    }

    @Test func `traces go where the flag, the environment or the file says, of a share of requests`() throws {
        func tracing(
            _ flags: [GatewaySettings.Key: String], _ environment: [String: String] = [:], file: String? = nil
        ) throws -> GatewayWorkerOptions.Tracing? {
            try GatewaySettings(flags: flags, environment: environment, file: file).options.tracing
        }
        #expect(try tracing([:]) == nil)
        let collector = try #require(CollectorAddress("http://127.0.0.1:4318"))
        #expect(try tracing([.tracesTo: "http://127.0.0.1:4318/"]) == .init(collector: collector, share: 0))
        #expect(
            try tracing(
                [.traceSampling: "0.5"],
                ["TURNPIKE_TRACES_TO": "http://127.0.0.1:4318", "TURNPIKE_TRACE_SAMPLING": "0.2"])
                == .init(collector: collector, share: 0.5))
        #expect(
            try tracing([:], file: #"{"tracesTo": "http://127.0.0.1:4318", "traceSampling": 0.01}"#)
                == .init(collector: collector, share: 0.01))
        #expect(
            try tracing([:], file: #"{"tracesTo": "http://127.0.0.1:4318", "traceSampling": 1}"#)?.share == 1)
    }

    @Test func `the access log tells what it is asked to tell, of a share of the requests`() throws {
        func format(_ flags: [GatewaySettings.Key: String], file: String? = nil) throws -> AccessLogFormat {
            try GatewaySettings(flags: flags, environment: ["TURNPIKE_ACCESS_LOG_SAMPLING": "0.5"], file: file).options
                .accessLogFormat
        }
        #expect(try format([:]) == AccessLogFormat(share: 0.5))
        #expect(
            try format([.accessLogFields: "time, status,keyId", .accessLogSampling: "0"])
                == AccessLogFormat(fields: [.time, .status, .key], share: 0))
        #expect(try format([:], file: #"{"accessLogFields": "path"}"#).fields == [.path])
        let file = #"{"accessLogSampling": 0.1}"#
        #expect(try GatewaySettings(flags: [:], environment: [:], file: file).options.accessLogFormat.share == 0.1)
        for bad in [",", "time,", "query", "Time"] {
            #expect(throws: GatewaySettings.Fault.self) { try format([.accessLogFields: bad]) }
        }
        for bad in ["2", "-0.1", "all"] {
            #expect(throws: GatewaySettings.Fault.self) { try format([.accessLogSampling: bad]) }
        }
    }

    @Test func `certificates of files are for clients that come over TLS, who need none of them`() throws {
        let secure = ["TURNPIKE_SECURE_LISTEN": "127.0.0.1:8443"]
        let bare = try GatewaySettings(flags: [:], environment: secure, file: nil).options.secure
        #expect(bare?.listen.port == 8443 && bare?.certificates == nil)
        let files = try GatewaySettings(flags: [.certificates: "/c"], environment: secure, file: nil).options.secure
        #expect(files?.certificates == "/c")
        #expect(throws: GatewaySettings.Fault.self) {
            try GatewaySettings(flags: [.certificates: "/c"], environment: [:], file: nil)
        }
    }

    @Test func `certificates for upstreams come from a folder, with or without TLS for clients`() throws {
        func folder(_ flags: [GatewaySettings.Key: String], _ environment: [String: String] = [:]) throws -> String? {
            try GatewaySettings(flags: flags, environment: environment, file: nil).options.clientCertificates
        }
        #expect(try folder([:]) == nil)
        #expect(try folder([:], ["TURNPIKE_CLIENT_CERTIFICATES": "/etc/a"]) == "/etc/a")
        #expect(try folder([.clientCertificates: "/etc/b"], ["TURNPIKE_CLIENT_CERTIFICATES": "/etc/a"]) == "/etc/b")
    }

    @Test func `a gateway is in the zone that it is told, by a name`() throws {
        #expect(try GatewaySettings(flags: [:], environment: [:], file: nil).options.zone == nil)
        let settings = try GatewaySettings(flags: [:], environment: ["TURNPIKE_ZONE": "eu-a"], file: nil)
        #expect(settings.options.zone == "eu-a")
        let fault = #expect(throws: GatewaySettings.Fault.self) {
            try GatewaySettings(flags: [.zone: "eu/a"], environment: [:], file: nil)
        }
        #expect(fault?.reason.hasPrefix("The zone 'eu/a' must be") == true)
    }

    @Test func `the proxies that are trusted are those that the flag, the environment or the file names`() throws {
        func proxies(flag: String? = nil, environment: String? = nil, file: String? = nil) throws -> TrustedProxies? {
            try GatewaySettings(
                flags: flag.map { [.trustedProxies: $0] } ?? [:],
                environment: environment.map { ["TURNPIKE_TRUSTED_PROXIES": $0] } ?? [:], file: file
            ).options.trustedProxies
        }
        let ranges = ["10.0.0.0/8", "192.0.2.7", "2001:db8::/32"]
        let named = TrustedProxies(ranges.compactMap { AddressRange($0) })
        #expect(try proxies() == nil)
        #expect(try proxies(flag: "10.0.0.0/8,192.0.2.7,2001:db8::/32", environment: "::/0") == named)
        #expect(try proxies(environment: " 10.0.0.0/8, 192.0.2.7 ,2001:db8::/32") == named)
        #expect(try proxies(file: #"{"trustedProxies": "10.0.0.0/8,192.0.2.7/32,2001:DB8::/32"}"#) == named)
    }

    @Test(arguments: [
        ("10.0.0.0/8,", ""), ("10.0.0.1/8", "10.0.0.1/8"), ("10.0.0.0/33", "10.0.0.0/33"), ("proxy.test", "proxy.test"),
        ("10.0.0.1 10.0.0.2", "10.0.0.1 10.0.0.2"), ("10.0.0.1:80", "10.0.0.1:80"), ("[::1]", "[::1]"),
    ])
    func `what is no proxy's address is refused`(text: String, part: String) {
        let fault = #expect(throws: GatewaySettings.Fault.self) {
            try GatewaySettings(flags: [.trustedProxies: text], environment: [:], file: nil)
        }
        #expect(
            fault?.reason
                == "'\(part)' is no trusted proxy; it must be an address or a range of them, such as 10.0.0.1, "
                + "10.0.0.0/8 or 2001:db8::/32, with no bits behind the prefix.")
    }

    @Test func `more ranges of proxies than are looked at are refused`() {
        let fault = #expect(throws: GatewaySettings.Fault.self) {
            let many = (0...256).map { "10.0.\($0 / 256).\($0 % 256)" }.joined(separator: ",")
            return try GatewaySettings(flags: [.trustedProxies: many], environment: [:], file: nil)
        }
        #expect(fault?.reason == "257 trusted proxies are too many; there may be 256 ranges of them.")
    }

    @Test func `what clients may take is what the flag, the environment or the file says`() throws {
        let settings = try GatewaySettings(
            flags: [.headTimeout: "250ms", .drainTimeout: "5m"],
            environment: ["TURNPIKE_HEAD_TIMEOUT": "1s", "TURNPIKE_IDLE_TIMEOUT": "2s"],
            file: #"{"maxConnections": 100, "maxHeadBytes": "4096", "bodyTimeout": "1h"}"#)
        let (options, limits) = (settings.options, settings.options.limits)
        #expect(options.connections == 100 && limits.head.headBytes == 4096 && options.drainTimeout == .seconds(300))
        #expect(limits.headTimeout == 250_000_000 && limits.idleTimeout == 2_000_000_000)
        #expect(limits.bodyTimeout == 3_600_000_000_000)
        let plain = try GatewaySettings(flags: [:], environment: [:], file: nil).options
        #expect(plain.limits == GatewayLimits() && plain.connections == 65_536 && plain.drainTimeout == .seconds(30))
    }

    @Test func `upstream connections and content are bounded as is said`() throws {
        let options = try GatewaySettings(
            flags: [.maxUpstreamConnections: "64"], environment: ["TURNPIKE_MAX_BODY_BYTES": "1048576"],
            file: #"{"minBodyRate": 0}"#
        ).options
        #expect(options.pool.connections == 64 && options.pool.silence == HTTP2Silence())
        let patient = try GatewaySettings(
            flags: [.upstreamPingTimeout: "1h", .maxUpstreamConnections: "64"], environment: [:], file: nil
        ).options.pool
        #expect(patient.connections == 64 && patient.silence.untilGone == 3_600_000_000_000)
        #expect(options.limits.bodyBytes == 1 << 20 && options.limits.bodyRate == 0)
        let plain = try GatewaySettings(flags: [:], environment: [:], file: nil).options
        #expect(plain.pool == PoolLimits() && plain.limits.bodyRate == 240 && plain.limits.bodyBytes == .max)
    }

    @Test func `a metric has as many series as is said`() throws {
        let given = try GatewaySettings(
            flags: [:], environment: ["TURNPIKE_MAX_METRIC_SERIES": "50000"], file: #"{"maxMetricSeries": 3000}"#)
        let filed = try GatewaySettings(flags: [:], environment: [:], file: #"{"maxMetricSeries": 3000}"#)
        let plain = try GatewaySettings(flags: [:], environment: [:], file: nil)
        #expect(given.metricSeries == 50_000 && filed.metricSeries == 3000 && plain.metricSeries == 2000)
    }

    @Test(
        arguments: [
            (.maxMetricSeries, "0", "'0' is no number of series; it must be from 1 to 1000000."),
            (.maxConnections, "0", "'0' is no number of connections; it must be from 1 to 10000000."),
            (.maxConnections, "many", "'many' is no number of connections; it must be from 1 to 10000000."),
            (
                .maxUpstreamConnections, "0", "'0' is no number of connections; it must be from 1 to 1000000."
            ),
            (
                .maxBodyBytes, "1M", "'1M' is no size of content in bytes; it must be from 1 to 1125899906842624."
            ),
            (.minBodyRate, "-1", "'-1' is no number of bytes a second; it must be from 0 to 1000000000."),
            (.maxHeadBytes, "1023", "'1023' is no size of a head in bytes; it must be from 1024 to 1048576."),
            (
                .headTimeout, "10",
                "'10' is no time to wait; it must be like 250ms, 30s or 5m, above 0s and at most 24h."
            ),
            (
                .idleTimeout, "0s",
                "'0s' is no time to wait; it must be like 250ms, 30s or 5m, above 0s and at most 24h."
            ),
            (
                .drainTimeout, "2d",
                "'2d' is no time to wait; it must be like 250ms, 30s or 5m, above 0s and at most 24h."
            ),
        ] as [(GatewaySettings.Key, String, String)])
    func `a limit that makes no sense is refused`(key: GatewaySettings.Key, text: String, reason: String) {
        let fault = #expect(throws: GatewaySettings.Fault.self) {
            try GatewaySettings(flags: [key: text], environment: [:], file: nil)
        }
        #expect(fault?.reason == reason)
    }

    @Test(arguments: [
        (["tracesTo": "127.0.0.1:4318"], "'127.0.0.1:4318' is no collector's address, such as http://127.0.0.1:4318."),
        (["traceSampling": "1"], "traceSampling says how much of what goes to tracesTo: give both."),
        (
            ["tracesTo": "http://a:4318", "traceSampling": "1%"],
            "'1%' is no share of requests; it must be a number from 0 to 1."
        ),
        (
            ["tracesTo": "http://a:4318", "traceSampling": "1.5"],
            "'1.5' is no share of requests; it must be a number from 0 to 1."
        ),
    ])
    func `what makes no sense of traces is refused`(given: [String: String], reason: String) {
        let flags = Dictionary(
            uniqueKeysWithValues: given.compactMap { name, value in
                GatewaySettings.Key(rawValue: name).map { ($0, value) }
            })
        let fault = #expect(throws: GatewaySettings.Fault.self) {
            try GatewaySettings(flags: flags, environment: [:], file: nil)
        }
        #expect(fault?.reason == reason)
    }

    @Test func `numbers in the file are for what is a number`() {
        #expect(throws: GatewaySettings.Fault.self) { try loops(file: #"{"listen": 8000}"#) }
    }
}
