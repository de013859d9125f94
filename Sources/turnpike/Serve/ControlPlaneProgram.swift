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

/// The control plane put together: store, log and use cases, REST API. The only place that knows all of them.
struct ControlPlaneProgram {
    let settings: ServeSettings
    let stop: StopSignals
    let hangUps: HangUps
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
        let tls = try startTLS(authority, clock)
        if let served = tls?.tls {
            metrics.gauge(
                .certificateExpiry, help: "When the TLS certificate ends, in seconds since 1970.",
                read: { Double(served.expiry.milliseconds) / 1000 })
        }
        let sealingKeyFile = SealingKeyFile(settings.sealingKeyFile, dataFolder: settings.dataFolder)
        let sealing = SealingKeyReader(file: sealingKeyFile, hangUps: hangUps.listen(), logger: logger)
        let sealingKeys = try sealingKeyFile.keys()
        let contract = ContractFile.read(told: settings.openAPI)
        if contract == nil { logger.warning("There is no openapi.yaml to serve.") }
        var options = APIOptions(
            host: settings.listen.host, port: settings.listen.port, openAPI: contract ?? [],
            readYAML: Bundle.read(body:), tls: tls?.tls, workerCertificates: settings.tls.workerCertificates)
        options.drainTimeout = settings.drainTimeout
        options.sources = RequestSources(trusting: settings.trustedProxies)
        let progress = LoadingProgress()
        let api = APIServer(options: options, progress: progress, logger: logger, metrics: metrics)
        let listener = ListenerService(api: api)
        let control = ControlPlaneService(
            settings: settings, api: api, port: listener.port, sealing: sealing
        ) { [settings, logger] in
            try await ControlPlane.start(
                store: store, clock: clock, sealingKeys: sealingKeys, retention: settings.retention,
                tenantLimits: settings.tenantLimits, authority: authority, progress: progress, logger: logger,
                metrics: metrics)
        }
        // Ended in reverse order: the port closes only once the control plane is drained.
        let services: [any ServiceLifecycle.Service] = [hangUps] + (tls.map { [$0] } ?? []) + [listener, control]
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [.init(service: stop, successTerminationBehavior: .gracefullyShutdownGroup)]
                    + services.map { .init(service: $0) },
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

    private func startTLS(_ authority: CertificateAuthority?, _ clock: any WallClock) throws -> TLSService? {
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
        return try TLSService.start(source, hangUps: hangUps.listen(), clock: clock, logger: logger)
    }
}

/// Opens the port first of all, so that whoever asks is told that the control plane is on its way.
private struct ListenerService: ServiceLifecycle.Service {
    let api: APIServer
    /// The port that is listened on, once it is.
    let port: AsyncStream<Int>
    private let opened: AsyncStream<Int>.Continuation

    init(api: APIServer) {
        self.api = api
        (port, opened) = AsyncStream.makeStream()
    }

    func run() async throws {
        defer { opened.finish() }
        try await api.run { opened.yield($0) }
    }
}

/// Loads the control plane, has it do its work, and drains it.
private struct ControlPlaneService: ServiceLifecycle.Service {
    let settings: ServeSettings
    let api: APIServer
    let port: AsyncStream<Int>
    let sealing: SealingKeyReader
    let load: @Sendable () async throws -> ControlPlane

    func run() async throws {
        // Where there is no port there is nothing to load for.
        var ports = port.makeAsyncIterator()
        guard let port = await ports.next() else { return }
        let control: ControlPlane
        do {
            control = try await cancelWhenGracefulShutdown(load)
        } catch is CancellationError { return }
        let token = try await control.bootstrapOperator(token: settings.bootstrapToken)
        if let token, settings.bootstrapToken == nil { Terminal.standardOutput.write(Banner.firstToken(token)) }
        api.open(control)
        let url = settings.listen.url(scheme: settings.tls.scheme, port: port)
        Terminal.standardOutput.write(Banner.ready(at: url, dataFolder: settings.dataFolder))
        try await cancelWhenGracefulShutdown { [sealing] in
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await control.run() }
                group.addTask { await sealing.run(for: control) }
                try await group.waitForAll()
            }
        }
        await api.drain()
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
