// SPDX-License-Identifier: Apache-2.0

import Configuration
import Foundation
import Logging
import TurnpikeModel
import TurnpikeProxy
import TurnpikeTelemetry
import TurnpikeWorker

/// What a gateway worker is told at its start. Each key may come from a flag, else from the environment, else from the
/// configuration file.
///
/// Configuration keys (`--some-key` and `TURNPIKE_SOME_KEY` for `someKey`):
/// - `controlPlane`: `http` or `https`, host and port. Default `http://127.0.0.1:8080`.
/// - `ca`: a PEM file of the CAs that may vouch for an `https` control plane. Default: the system's.
/// - `tlsCertificate`, `tlsKey`: PEM files of a certificate to show to an `https` control plane, and of its key. Default:
///   the certificate that the control plane issues, if it does.
/// - `listen`: host and port for clients. Default `127.0.0.1:8000`.
/// - `secureListen`: host and port for clients that come over TLS. Default: none.
/// - `certificates`: a folder of certificates for these, `NAME.crt` and `NAME.key`, beside those that the control plane has.
///   Default: none.
/// - `clientCertificates`: the folder of the certificates for upstreams that ask for one, `TENANT/NAME.crt` and
///   `TENANT/NAME.key`. Default: none.
/// - `adminListen`: host and port for health and metrics. Default `127.0.0.1:8001`.
/// - `state`: the folder for what must outlive the process. Default `./turnpike-worker-state`.
/// - `joinToken` (secret): needed at the first start.
/// - `name`: for people. Default: the worker's id.
/// - `zone`: where the gateway runs, for services that prefer endpoints of its zone. Default: they prefer none.
/// - `trustedProxies`: addresses and ranges of proxies, with commas between them, whose `X-Forwarded-For` or `Forwarded` says whom a
///   request comes from; up to 256. Default: none, a request comes from whom its connection comes from.
/// - `accessLog`: `off`, `stdout` or a file's path. Default `off`.
/// - `accessLogFields`: names of ``AccessLogField``, with commas between them. Default: all but `userAgent`.
/// - `accessLogSampling`: the share of the requests that get a line, 0 to 1; refusals and failures always do. Default 1.
/// - `debugToken` (secret), or `debugTokenFile`, a file that holds it: what an operator shows in `Turnpike-Debug` to be told what
///   becomes of a request; 16 to 256 visible ASCII characters. Default: nobody is told.
/// - `tracesTo`: the base address of an OTLP/HTTP collector, `http` or `https`, to whose `/v1/traces` spans go. Default: none.
/// - `traceSampling`: the share of requests without a decision of their own that is traced, 0 to 1; needs `tracesTo`. Default 0:
///   only those of which the client's `traceparent` says so.
/// - `transport`: `automatic`, `nio` or `epoll` (Linux only). Default `automatic`: the fastest that the platform has.
/// - `loops`: event loops that share the connections, `auto` or a number from 1 to 128. Default `auto`: one for each processor.
/// - `maxConnections`: client connections open at once, up to ten million. Default 65,536.
/// - `maxUpstreamConnections`: connections of each event loop to one endpoint, up to a million. Default 1,024.
/// - `maxHeadBytes`: bytes of a head, 1 KiB to 1 MiB. Default 32 KiB.
/// - `maxBodyBytes`: bytes of a request's content, up to 1 PiB, whatever its route allows. Default: no bound.
/// - `minBodyRate`: bytes a second that content has to come at for `bodyTimeout` to begin anew, up to 10⁹. 0: any byte will do.
///   Default 240.
/// - `headTimeout`, `bodyTimeout`, `idleTimeout`: how long a client may take for a head, between two pieces of content or to take any
///   of its answer, and from one request to the next; above 0, up to 24 h. Default `10s`, `60s`, `60s`.
/// - `upstreamPingTimeout`: how long an upstream over HTTP/2 that has said nothing for 10 s may take to answer a ping; above 0, up to
///   24 h. Default `20s`.
/// - `drainTimeout`: how long requests in flight may take to finish when the gateway stops. Default `30s`.
/// - `maxMetricSeries`: label sets that one metric may have, up to a million; those beyond share one whose labels are `other`.
///   Default 2,000.
/// - `log.format`: `text` or `json`; `plain` means `text`. Default `text`.
/// - `log.level`: `trace`, `debug`, `info`, `notice`, `warning`, `error` or `critical`. Default `info`.
struct GatewaySettings: Sendable {
    /// What is wrong with a setting, in a sentence.
    struct Fault: Error {
        var reason: String
    }

    enum Key: String, CaseIterable {
        case controlPlane, ca, tlsCertificate, tlsKey, listen, secureListen, certificates, clientCertificates,
            adminListen, state
        case joinToken, name, zone, accessLog, accessLogFields, accessLogSampling, transport, debugToken,
            debugTokenFile, loops
        case tracesTo, traceSampling, trustedProxies
        case maxConnections, maxUpstreamConnections, maxHeadBytes, maxBodyBytes, minBodyRate,
            maxMetricSeries
        case headTimeout, bodyTimeout, idleTimeout, drainTimeout
        case upstreamPingTimeout
        case logFormat = "log.format"
        case logLevel = "log.level"

        /// May be a number in the file.
        var isNumber: Bool {
            switch self {
            case .loops, .traceSampling, .accessLogSampling, .maxConnections, .maxUpstreamConnections, .maxHeadBytes,
                .maxBodyBytes, .minBodyRate, .maxMetricSeries:
                true
            default: false
            }
        }

        var isSecret: Bool { self == .joinToken || self == .debugToken }
    }

    var options: GatewayWorkerOptions
    var logFormat: LogFormat
    var logLevel: Logger.Level
    /// Label sets of one metric, at most.
    var metricSeries: Int

    /// - Parameters:
    ///   - flags: what the command line gave.
    ///   - file: the text of the configuration file, a JSON object.
    init(flags: [Key: String], environment: [String: String], file: String?) throws(Fault) {
        let reader = ConfigReader(providers: [
            GatewaySettings.provider("flags", flags),
            EnvironmentVariablesProvider(environmentVariables: environment, secretsSpecifier: .all)
                .prefixKeys(with: "turnpike"),
            GatewaySettings.provider("file", try file.map(GatewaySettings.values) ?? [:]),
        ])
        func text(_ key: Key) -> String? {
            let value = reader.string(forKey: ConfigKey(key.rawValue), isSecret: key.isSecret)
            return value?.isEmpty == true ? nil : value
        }
        options = GatewayWorkerOptions(
            controlPlane: try GatewaySettings.controlPlane(text(.controlPlane) ?? "http://127.0.0.1:8080"),
            trust: ControlPlaneTrust(
                authorities: text(.ca), files: try GatewaySettings.files(text(.tlsCertificate), text(.tlsKey))),
            listen: try GatewaySettings.address(text(.listen) ?? "127.0.0.1:8000"),
            secure: try GatewaySettings.secure(text(.secureListen), text(.certificates)),
            clientCertificates: text(.clientCertificates),
            adminListen: try GatewaySettings.address(text(.adminListen) ?? "127.0.0.1:8001"),
            stateDirectory: text(.state) ?? "./turnpike-worker-state", joinToken: text(.joinToken),
            name: try GatewaySettings.name(text(.name)), zone: try GatewaySettings.zone(text(.zone)),
            trustedProxies: try GatewaySettings.trustedProxies(text(.trustedProxies)),
            accessLog: GatewaySettings.accessLog(text(.accessLog)),
            accessLogFormat: try GatewaySettings.accessLogFormat(text(.accessLogFields), text(.accessLogSampling)),
            debugToken: try GatewaySettings.debugToken(text(.debugToken), file: text(.debugTokenFile)),
            tracing: try GatewaySettings.tracing(text(.tracesTo), text(.traceSampling)),
            transport: try GatewaySettings.transport(text(.transport)),
            loops: try GatewaySettings.loops(text(.loops))
        )
        try GatewaySettings.limit(&options, by: text)
        logFormat = try GatewaySettings.logFormat(text(.logFormat))
        logLevel = try GatewaySettings.logLevel(text(.logLevel))
        metricSeries = try GatewaySettings.metricSeries(text(.maxMetricSeries))
    }
}

extension GatewaySettings {
    /// Where clients come, with the port that the system gave.
    func url(_ ports: GatewayPorts) -> String {
        "http://\(ListenAddress(host: options.listen.host, port: ports.gateway))"
    }

    /// Where clients come over TLS.
    func secureURL(_ ports: GatewayPorts) -> String? {
        guard let secure = options.secure, let port = ports.secure else { return nil }
        return "https://\(ListenAddress(host: secure.listen.host, port: port))"
    }

    /// Where health and metrics are.
    func adminURL(_ ports: GatewayPorts) -> String {
        "http://\(ListenAddress(host: options.adminListen.host, port: ports.admin))"
    }
}

// MARK: - Values

extension GatewaySettings {
    private static func controlPlane(_ text: String) throws(Fault) -> ControlPlaneAddress {
        if let address = ControlPlaneAddress(text) { return address }
        throw Fault(reason: "'\(text)' is no control plane's address, such as http://127.0.0.1:8080.")
    }

    private static func files(_ certificate: String?, _ key: String?) throws(Fault) -> ControlPlaneTrust.Files? {
        switch (certificate, key) {
        case (nil, nil): return nil
        case (let certificate?, let key?): return ControlPlaneTrust.Files(certificate: certificate, key: key)
        default: throw Fault(reason: "tlsCertificate and tlsKey go together: give both files.")
        }
    }

    private static func address(_ text: String) throws(Fault) -> ListenAddress {
        if let address = ListenAddress(text) { return address }
        throw Fault(reason: "'\(text)' is no address to listen on, such as 127.0.0.1:8000 or [::1]:8000.")
    }

    private static func secure(
        _ listen: String?, _ certificates: String?
    ) throws(Fault) -> GatewayWorkerOptions.Secure? {
        if let listen { return GatewayWorkerOptions.Secure(listen: try address(listen), certificates: certificates) }
        if certificates == nil { return nil }
        throw Fault(reason: "certificates are for clients that come over TLS: give secureListen too.")
    }

    private static func name(_ text: String?) throws(Fault) -> String? {
        guard let text, !Name.isValid(text) else { return text }
        throw Fault(reason: "The name '\(text)' \(Name.rule).")
    }

    private static func zone(_ text: String?) throws(Fault) -> String? {
        guard let text, !Name.isValid(text) else { return text }
        throw Fault(reason: "The zone '\(text)' \(Name.rule).")
    }

    private static func accessLog(_ text: String?) -> GatewayWorkerOptions.AccessLog {
        switch text {
        case nil, "off": .off
        case "stdout": .standardOutput
        case let path?: .file(path)
        }
    }

    private static func accessLogFormat(_ fields: String?, _ share: String?) throws(Fault) -> AccessLogFormat {
        var format = AccessLogFormat()
        if let fields {
            format.fields = []
            for name in fields.split(separator: ",", omittingEmptySubsequences: false) {
                let name = name.drop { $0 == " " }
                guard let field = AccessLogField(rawValue: String(name)) else {
                    let known = AccessLogField.allCases.map(\.rawValue).joined(separator: ", ")
                    throw Fault(reason: "'\(name)' is no field of the access log; there are \(known).")
                }
                format.fields.insert(field)
            }
        }
        guard let number = Double(share ?? "1"), (0...1).contains(number) else {
            throw Fault(reason: "'\(share ?? "")' is no share of requests; it must be a number from 0 to 1.")
        }
        format.share = number
        return format
    }

    private static func debugToken(_ text: String?, file: String?) throws(Fault) -> DebugToken? {
        var text = text
        if let file {
            guard text == nil else { throw Fault(reason: "Give one of debugToken and debugTokenFile.") }
            guard let content = try? String(contentsOfFile: file, encoding: .utf8) else {
                throw Fault(reason: "The file of the debug token, '\(file)', cannot be read.")
            }
            text = content.trimmingCharacters(in: .whitespacesAndNewlines)
        }
        guard let text else { return nil }
        guard let token = DebugToken(text) else {
            throw Fault(reason: "The debug token must have 16 to 256 characters of visible ASCII.")
        }
        return token
    }

    private static func tracing(
        _ collector: String?, _ share: String?
    ) throws(Fault) -> GatewayWorkerOptions.Tracing? {
        guard let collector else {
            if share != nil { throw Fault(reason: "traceSampling says how much of what goes to tracesTo: give both.") }
            return nil
        }
        guard let address = CollectorAddress(collector) else {
            throw Fault(reason: "'\(collector)' is no collector's address, such as http://127.0.0.1:4318.")
        }
        guard let number = Double(share ?? "0"), (0...1).contains(number) else {
            throw Fault(reason: "'\(share ?? "")' is no share of requests; it must be a number from 0 to 1.")
        }
        return GatewayWorkerOptions.Tracing(collector: address, share: number)
    }

    private static func transport(_ text: String?) throws(Fault) -> Transport {
        guard let text else { return .automatic }
        let known = [.automatic] + Transport.available
        if let transport = Transport(rawValue: text), known.contains(transport) { return transport }
        let names = known.map(\.rawValue).joined(separator: ", ")
        throw Fault(reason: "'\(text)' is no transport that this platform has; it must be one of \(names).")
    }

    private static func loops(_ text: String?) throws(Fault) -> Int {
        guard let text, text != "auto" else { return GatewayOptions.automaticLoops }
        let possible = 1...GatewayOptions.mostLoops
        if let loops = Int(text), possible.contains(loops) { return loops }
        throw Fault(
            reason:
                "'\(text)' is no number of loops; it must be auto, or from \(possible.lowerBound) to \(possible.upperBound)."
        )
    }

    private static func logFormat(_ text: String?) throws(Fault) -> LogFormat {
        switch text {
        case nil, "text", "plain": return .plain
        case "json": return .json
        case let other?: throw Fault(reason: "'\(other)' is no log format; it must be one of text, json.")
        }
    }

    private static func logLevel(_ text: String?) throws(Fault) -> Logger.Level {
        guard let text else { return .info }
        if let level = Logger.Level(rawValue: text) { return level }
        let levels = Logger.Level.allCases.map(\.rawValue).joined(separator: ", ")
        throw Fault(reason: "'\(text)' is no log level; it must be one of \(levels).")
    }
}

// MARK: - Sources

extension GatewaySettings {
    private static func provider(_ name: String, _ values: [Key: String]) -> InMemoryProvider {
        var settings: [AbsoluteConfigKey: ConfigValue] = [:]
        for (key, value) in values {
            settings[AbsoluteConfigKey(ConfigKey(key.rawValue))] = ConfigValue(
                .string(value), isSecret: key.isSecret
            )
        }
        return InMemoryProvider(name: name, values: settings)
    }

    /// The file's texts by key, `{"log": {"level": "debug"}}` as `log.level`. A key that nobody knows is a mistake.
    private static func values(in text: String) throws(Fault) -> [Key: String] {
        let json: JSON
        do {
            json = try JSON.parse(text)
        } catch {
            throw Fault(reason: "The configuration file is not valid JSON: \(error).")
        }
        guard let object = json.object else { throw Fault(reason: "The configuration file must hold a JSON object.") }
        var values: [Key: String] = [:]
        for member in object.members {
            if member.name == "log", let log = member.value.object {
                for inner in log.members { try take("log.\(inner.name)", inner.value, into: &values) }
            } else {
                try take(member.name, member.value, into: &values)
            }
        }
        return values
    }

    private static func take(_ name: String, _ value: JSON, into values: inout [Key: String]) throws(Fault) {
        guard let key = Key(rawValue: name) else {
            throw Fault(reason: "The configuration file's '\(name)' is no setting.")
        }
        switch (key, value) {
        case (_, .string(let text)): values[key] = text
        case (let key, .integer(let number)) where key.isNumber: values[key] = String(number)
        case (let key, .number(let number)) where key.isNumber: values[key] = String(number)
        default: throw Fault(reason: "The configuration file's '\(name)' must be a string, not \(value.typeName).")
        }
    }
}
