// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import Logging
import Metrics
import TurnpikeTelemetry
import TurnpikeWorker

/// `turnpike-worker gateway`
struct GatewayCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gateway",
        abstract: "Run a gateway: route, check, limit, count and forward requests.",
        discussion: """
            Every option may come from the environment (TURNPIKE_CONTROL_PLANE, TURNPIKE_CA, TURNPIKE_TLS_CERTIFICATE, TURNPIKE_TLS_KEY, \
            TURNPIKE_LISTEN, TURNPIKE_SECURE_LISTEN, TURNPIKE_CERTIFICATES, TURNPIKE_CLIENT_CERTIFICATES, TURNPIKE_ADMIN_LISTEN, TURNPIKE_STATE, \
            TURNPIKE_JOIN_TOKEN, TURNPIKE_NAME, TURNPIKE_ZONE, TURNPIKE_TRUSTED_PROXIES, TURNPIKE_ACCESS_LOG, TURNPIKE_ACCESS_LOG_FIELDS, TURNPIKE_ACCESS_LOG_SAMPLING, TURNPIKE_DEBUG_TOKEN, TURNPIKE_DEBUG_TOKEN_FILE, \
            TURNPIKE_TRACES_TO, TURNPIKE_TRACE_SAMPLING, TURNPIKE_TRANSPORT, TURNPIKE_LOOPS, TURNPIKE_MAX_CONNECTIONS, TURNPIKE_MAX_UPSTREAM_CONNECTIONS, TURNPIKE_MAX_HEAD_BYTES, \
            TURNPIKE_MAX_BODY_BYTES, TURNPIKE_MIN_BODY_RATE, TURNPIKE_MAX_METRIC_SERIES, \
            TURNPIKE_HEAD_TIMEOUT, TURNPIKE_BODY_TIMEOUT, TURNPIKE_IDLE_TIMEOUT, TURNPIKE_UPSTREAM_PING_TIMEOUT, TURNPIKE_DRAIN_TIMEOUT, TURNPIKE_LOG_FORMAT, TURNPIKE_LOG_LEVEL) or from the configuration file, \
            {"controlPlane": "…", "log": {"level": "…"}, …}; a flag \
            stands over the environment, and that over the file.

            The join token is needed at the first start only; what the worker gets for it is kept in its state \
            directory. Give it by the environment: arguments are seen by everybody on the machine.

            SIGTERM and SIGINT finish the requests in flight, report their usage and stop; SIGHUP opens the access log \
            and the certificates anew.
            """
    )

    @Option(help: "The control plane's address. (default: http://127.0.0.1:8080)")
    var controlPlane: String?

    @Option(help: "A PEM file of the CAs that may vouch for an https control plane. (default: the system's)")
    var ca: String?

    @Option(
        help: """
            A PEM file of a certificate to show to an https control plane. (default: the one that the control plane issues, \
            if it does)
            """)
    var tlsCertificate: String?

    @Option(help: "The private key of that certificate, a PEM file.")
    var tlsKey: String?

    @Option(help: "Host and port for clients; port 0 takes a free one. (default: 127.0.0.1:8000)")
    var listen: String?

    @Option(help: "Host and port for clients that come over TLS; port 0 takes a free one. (default: none)")
    var secureListen: String?

    @Option(
        help: """
            A folder of certificates for TLS, beside those that the control plane has: NAME.crt with NAME.key, or fullchain.pem \
            with privkey.pem, in it or in folders beneath; default.crt is for clients that name no server. (default: none)
            """)
    var certificates: String?

    @Option(
        help: """
            The folder of certificates to show to upstreams that ask for one: TENANT/NAME.crt with TENANT/NAME.key. (default: \
            none)
            """)
    var clientCertificates: String?

    @Option(help: "Host and port for /healthz, /readyz and /metrics. (default: 127.0.0.1:8001)")
    var adminListen: String?

    @Option(help: "The folder for what must outlive the process. (default: ./turnpike-worker-state)")
    var state: String?

    @Option(help: "What lets the worker join, at its first start.")
    var joinToken: String?

    @Option(help: "A name for people. (default: the worker's id)")
    var name: String?

    @Option(help: "Where the gateway runs, for services that prefer endpoints of its zone. (default: they prefer none)")
    var zone: String?

    @Option(
        help: """
            Addresses and ranges of proxies in front, such as 10.0.0.0/8,2001:db8::7, whose X-Forwarded-For or Forwarded says whom a \
            request comes from. Each must write or append to one of the two, and drop the other. (default: none)
            """)
    var trustedProxies: String?

    @Option(help: "off, stdout, or a file to append to. (default: off)")
    var accessLog: String?

    @Option(
        help: """
            What a line of the access log tells, with commas between: time, requestId, traceId, remoteAddress, scheme, protocol, \
            tenant, route, keyId, host, method, path, userAgent, status, bytesIn, bytesOut, durationMs, upstreamMs, service, endpoint, upstreamStatus, \
            attempts, code, reason. (default: all but userAgent)
            """)
    var accessLogFields: String?

    @Option(
        help: """
            The share of the requests that get a line, 0 to 1; what was refused or has failed always does. (default: 1)
            """)
    var accessLogSampling: String?

    @Option(
        help: """
            A file with the debug token, which an operator shows in Turnpike-Debug to be told what becomes of a request. \
            (default: nobody is told)
            """)
    var debugTokenFile: String?

    @Option(
        help: "The address of an OTLP/HTTP collector for traces, such as http://127.0.0.1:4318. (default: none)")
    var tracesTo: String?

    @Option(
        help: """
            The share of the requests that bring no decision of their own which is traced, 0 to 1. (default: 0, those only whose \
            traceparent says so)
            """)
    var traceSampling: String?

    @Option(help: "What moves the requests' bytes: automatic, nio, or epoll on Linux. (default: automatic)")
    var transport: String?

    @Option(
        help: "Event loops, each with a thread of its own: auto, or 1 to 128. (default: auto, one for each processor)")
    var loops: String?

    @OptionGroup(title: "Limits")
    var limits: GatewayLimitOptions

    @Option(help: "The form of log lines: text or json. (default: text)")
    var logFormat: String?

    @Option(help: "The least level that is logged. (default: info)")
    var logLevel: String?

    @Option(help: "A JSON file of settings. (environment: TURNPIKE_CONFIG)")
    var config: String?

    func run() async throws {
        let settings = try settings()
        LoggingSystem.bootstrap { label in
            LineLogHandler(label: label, format: settings.logFormat, level: settings.logLevel)
        }
        let metrics = MetricsRegistry(seriesLimit: settings.metricSeries)
        MetricsSystem.bootstrap(RegistryMetricsFactory(registry: metrics))
        let logger = Logger(label: "turnpike-worker")
        try await runGateway(settings.options, logger: logger, metrics: metrics) { ports in
            let secure = settings.secureURL(ports).map { " and \($0)" } ?? ""
            let line = "Turnpike gateway: \(settings.url(ports))\(secure), admin \(settings.adminURL(ports))\n"
            // Standard output belongs to the access log where that goes there.
            let output =
                settings.options.accessLog == .standardOutput ? FileDescriptorOutput.standardError : .standardOutput
            output.write(line)
        }
    }

    private func settings() throws -> GatewaySettings {
        let environment = ProcessInfo.processInfo.environment
        let given: [GatewaySettings.Key: String?] = [
            .controlPlane: controlPlane, .ca: ca, .tlsCertificate: tlsCertificate, .tlsKey: tlsKey, .listen: listen,
            .secureListen: secureListen, .certificates: certificates, .clientCertificates: clientCertificates,
            .adminListen: adminListen, .state: state,
            .joinToken: joinToken, .name: name, .zone: zone, .trustedProxies: trustedProxies, .accessLog: accessLog,
            .accessLogFields: accessLogFields, .accessLogSampling: accessLogSampling,
            .debugTokenFile: debugTokenFile,
            .tracesTo: tracesTo, .traceSampling: traceSampling, .transport: transport, .loops: loops,
            .logFormat: logFormat, .logLevel: logLevel,
        ].merging(limits.values) { given, _ in given }
        let flags = given.compactMapValues { $0 }
        var file: String?
        if let path = config ?? environment["TURNPIKE_CONFIG"] {
            guard let text = try? String(contentsOfFile: path, encoding: .utf8) else {
                throw GatewaySettings.Fault(reason: "The configuration file '\(path)' cannot be read.")
            }
            file = text
        }
        return try GatewaySettings(flags: flags, environment: environment, file: file)
    }
}
