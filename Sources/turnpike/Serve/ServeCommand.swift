// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import Logging
import TurnpikeAPI
import TurnpikeModel
import TurnpikeTelemetry

/// `turnpike serve`
struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Run the control plane.",
        discussion: """
            Every option may come from the environment (TURNPIKE_LISTEN, TURNPIKE_DATA, TURNPIKE_SEALING_KEY_FILE, \
            TURNPIKE_LOG_FORMAT, TURNPIKE_LOG_LEVEL, TURNPIKE_LOG_RETENTION, TURNPIKE_DRAIN_TIMEOUT, TURNPIKE_TRUSTED_PROXIES, TURNPIKE_TLS_MODE, TURNPIKE_TLS_CERTIFICATE, TURNPIKE_TLS_KEY, \
            TURNPIKE_TLS_NAMES, TURNPIKE_TLS_WORKERS, TURNPIKE_TLS_WORKER_CA) or from the configuration file, {"listen": \
            "…", "data": "…", "log": {"format": "…", "level": "…"}, "tls": {"mode": "…", "certificate": "…", "key": "…", …}}; \
            a flag stands over the environment, and that over the file.

            Without a flag are the limits of what one tenant may take (TURNPIKE_TENANT_RESOURCES, TURNPIKE_TENANT_REQUESTS, \
            TURNPIKE_TENANT_BUNDLE_ITEMS, TURNPIKE_TENANT_BUNDLE_BYTES, TURNPIKE_TENANT_FEEDS; in the file {"tenant": \
            {"resources": "…", "bundle": {"items": "…"}, …}}) and the contract that is served as /openapi.yaml (TURNPIKE_OPENAPI, \
            "openapi").

            At the first start TURNPIKE_BOOTSTRAP_TOKEN becomes the first operator's token; where it is not set, a token is \
            made and printed. SIGTERM and SIGINT stop the control plane once the requests in flight are answered and workers have the newest \
            state, or the time for that is over; \
            SIGHUP reads the TLS certificate anew, for new connections, and the sealing keys.
            """
    )

    @Option(help: "Host and port to listen on; port 0 takes a free one. (default: 127.0.0.1:8080)")
    var listen: String?

    @Option(help: "The folder for the database. (default: ./turnpike-data)")
    var data: String?

    @Option(
        help: """
            The file of the keys by which private keys of certificates are sealed; made where there is none. \
            (default: sealing.key in the data folder)
            """)
    var sealingKeyFile: String?

    @Option(help: "The form of log lines: text or json. (default: text)")
    var logFormat: String?

    @Option(help: "The least level that is logged. (default: info)")
    var logLevel: String?

    @Option(help: "How long entries of the log are kept, such as 90d. (default: for ever)")
    var logRetention: String?

    @Option(
        help: """
            How long a shutdown may take for answers under way, and for workers to take the newest state. (default: 10s)
            """)
    var drainTimeout: String?

    @Option(
        help: """
            Addresses and ranges of proxies in front, such as 10.0.0.0/8,2001:db8::7, whose X-Forwarded-For or Forwarded says whom a \
            request comes from. Each must write or append to one of the two, and drop the other. (default: none)
            """)
    var trustedProxies: String?

    @Option(
        help: """
            off, files (--tls-certificate, --tls-key), or builtin: certificates of a CA of the control plane's own. \
            (default: files where there are some, else off)
            """)
    var tls: String?

    @Option(
        help: "The server's certificate and those between it and the root, a PEM file: the API then speaks TLS only.")
    var tlsCertificate: String?

    @Option(help: "The private key of the certificate, a PEM file.")
    var tlsKey: String?

    @Option(
        help: """
            With --tls builtin, the names and addresses by which the control plane is called. (default: the address to \
            listen on, localhost, 127.0.0.1, ::1, the machine's name)
            """)
    var tlsNames: String?

    @Option(
        help: "What workers show: credential, or certificate: a certificate too, over TLS. (default: credential)")
    var tlsWorkers: String?

    @Option(
        help: "With a certificate of files: a PEM file of the CAs that may vouch for workers' certificates.")
    var tlsWorkerCa: String?

    @Option(help: "A JSON file of settings. (environment: TURNPIKE_CONFIG)")
    var config: String?

    func run() async throws {
        let (stop, hangUps) = (await StopSignals.trap(), await HangUps.trap())
        let settings = try settings()
        LoggingSystem.bootstrap { label in
            LineLogHandler(label: label, format: settings.logFormat, level: settings.logLevel)
        }
        do {
            try await ControlPlaneProgram(
                settings: settings, stop: stop, hangUps: hangUps, logger: Logger(label: "turnpike")
            ).run()
        } catch let error as TurnpikeError {
            throw CommandFailure.failed(error.description)
        } catch let fault as TLSFault {
            throw CommandFailure.failed(fault.description)
        }
    }

    private func settings() throws -> ServeSettings {
        let environment = ProcessInfo.processInfo.environment
        let given = [
            ("listen", listen), ("data", data), ("sealingKeyFile", sealingKeyFile), ("log.format", logFormat),
            ("log.level", logLevel),
            ("log.retention", logRetention), ("drainTimeout", drainTimeout), ("trustedProxies", trustedProxies),
            ("tls.mode", tls),
            ("tls.certificate", tlsCertificate),
            ("tls.key", tlsKey),
            ("tls.names", tlsNames), ("tls.workers", tlsWorkers), ("tls.workerCa", tlsWorkerCa),
        ]
        let flags = Dictionary(uniqueKeysWithValues: given.compactMap { key, value in value.map { (key, $0) } })
        var file: String?
        if let path = config ?? environment["TURNPIKE_CONFIG"] {
            guard let text = try? String(contentsOfFile: path, encoding: .utf8) else {
                throw CommandFailure.misused("The configuration file '\(path)' cannot be read.")
            }
            file = text
        }
        do {
            return try ServeSettings(flags: flags, environment: environment, file: file)
        } catch {
            throw CommandFailure.misused(error.reason)
        }
    }
}
