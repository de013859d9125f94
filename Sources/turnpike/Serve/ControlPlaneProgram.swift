// SPDX-License-Identifier: Apache-2.0

import Logging
import Metrics
import ServiceLifecycle
import TurnpikeAPI
import TurnpikeControl
import TurnpikeIdentity
import TurnpikeModel
import TurnpikeSQLite
import TurnpikeTelemetry
import UnixSignals

/// The control plane put together: store, log and use cases, REST API. The only place that knows all of them.
struct ControlPlaneProgram {
    let settings: ServeSettings
    let logger: Logger

    /// Runs until a signal ends it, and returns once everything is written and closed.
    func run() async throws {
        let metrics = MetricsRegistry()
        MetricsSystem.bootstrap(RegistryMetricsFactory(registry: metrics))
        let store = try await SQLiteStore.open(path: settings.dataFolder, logger: logger)
        store.report(to: metrics)
        do {
            try await serve(by: store, metrics)
        } catch {
            try? await store.close()  // The error that ended the program is the one to tell.
            throw error
        }
        try await store.close()
        logger.info("The control plane has stopped.")
    }

    private func serve(by store: SQLiteStore, _ metrics: MetricsRegistry) async throws {
        let clock = SystemWallClock()
        // First of all: what cannot be served safely is not served at all.
        let authority = try startAuthority(clock)
        let tls = try await startTLS(authority, clock)
        let hangUps: any ServiceLifecycle.Service
        if let tls { hangUps = tls } else { hangUps = await HangUpService.start(logger: logger) }
        if let served = tls?.tls {
            metrics.gauge(
                .certificateExpiry, help: "When the TLS certificate ends, in seconds since 1970.",
                read: { Double(served.expiry.milliseconds) / 1000 })
        }
        let sealingKey = try SealingKeyFile(settings.sealingKeyFile, dataFolder: settings.dataFolder).key()
        let control = try await ControlPlane.start(
            store: store, clock: clock, sealingKey: sealingKey, retention: settings.retention,
            tenantLimits: settings.tenantLimits, authority: authority, logger: logger, metrics: metrics
        )
        let token = try await control.bootstrapOperator(token: settings.bootstrapToken)
        if let token, settings.bootstrapToken == nil { Terminal.standardOutput.write(Banner.firstToken(token)) }
        let contract = ContractFile.read(told: settings.openAPI)
        if contract == nil { logger.warning("There is no openapi.yaml to serve.") }
        var options = APIOptions(
            host: settings.listen.host, port: settings.listen.port, openAPI: contract ?? [],
            readYAML: Bundle.read(body:), tls: tls?.tls, workerCertificates: settings.tls.workerCertificates)
        options.drainTimeout = settings.drainTimeout
        let api = APIServer(control: control, options: options, logger: logger, metrics: metrics)
        // Ended in reverse order: the API closes its port only once it is drained.
        var services: [any ServiceLifecycle.Service] = [
            APIService(api: api, settings: settings), UpkeepService(control: control, api: api),
        ]
        services.insert(hangUps, at: 0)
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: services.map { .init(service: $0) }, gracefulShutdownSignals: [.sigterm, .sigint],
                logger: logger
            )
        )
        try await group.run()
    }

    /// The control plane's own CA, where it has one.
    private func startAuthority(_ clock: any WallClock) throws -> CertificateAuthority? {
        guard case .builtin = settings.tls.mode else { return nil }
        let folder = AuthorityFolder(dataFolder: settings.dataFolder)
        let authority = try folder.authority(now: clock.now)
        Terminal.standardOutput.write(Banner.authority(folder.certificateFile))
        return authority
    }

    private func startTLS(_ authority: CertificateAuthority?, _ clock: any WallClock) async throws -> TLSService? {
        let source: any CertificateSource
        switch (settings.tls.mode, authority) {
        case (.files(let certificate, let key), _):
            var workerAuthorities: String?
            if case .file(let path)? = settings.tls.workerAuthority { workerAuthorities = path }
            source = CertificateFiles(certificate: certificate, key: key, workerAuthorities: workerAuthorities)
        case (.builtin(let names), let authority?):
            source = IssuedCertificates(
                authority: authority, names: names, vouchesForWorkers: settings.tls.workerAuthority != nil)
        case (.builtin, nil), (.off, _): return nil
        }
        return try await TLSService.start(source, clock: clock, logger: logger)
    }
}

private struct APIService: ServiceLifecycle.Service {
    let api: APIServer
    let settings: ServeSettings

    func run() async throws {
        try await api.run { port in
            let url = settings.listen.url(scheme: settings.tls.scheme, port: port)
            Terminal.standardOutput.write(Banner.ready(at: url, dataFolder: settings.dataFolder))
        }
    }
}

extension TLSSettings {
    fileprivate var workerCertificates: WorkerCertificates {
        switch workerAuthority {
        case nil: .notRequired
        case .builtin?: .ofThisWorker
        case .file?: .trusted
        }
    }
}

private struct UpkeepService: ServiceLifecycle.Service {
    let control: ControlPlane
    let api: APIServer

    func run() async throws {
        try await cancelWhenGracefulShutdown { try await control.run() }
        await api.drain()
    }
}
