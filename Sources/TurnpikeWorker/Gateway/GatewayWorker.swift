// SPDX-License-Identifier: Apache-2.0

import Logging
import ServiceLifecycle
import Synchronization
import TurnpikeIdentity
import TurnpikeMetering
import TurnpikeModel
import TurnpikeProxy
import TurnpikeProxyCore
import TurnpikeSnapshot
import TurnpikeTelemetry

/// A gateway worker from joining to its last report.
struct GatewayWorker: ServiceLifecycle.Service {
    let options: GatewayWorkerOptions
    let state: StateDirectory
    let accessLog: AccessLogFile?
    /// For clients that come over TLS; `nil` where none do.
    let servedCertificates: ServedCertificates?
    /// For upstreams that ask for one.
    let clientCertificates: ClientCertificates
    let health: WorkerHealth
    var logger: Logger
    let metrics: MetricsRegistry
    /// Called once the gateway listens, with its port, and the one for TLS.
    let onListening: @Sendable (Int, Int?) -> Void

    func run() async throws {
        // Over plain HTTP a certificate could not be shown, and whoever brings one asks for none.
        let wantsCertificate = options.controlPlane.isSecure && options.trust.files == nil
        let client = ControlPlaneClient(
            address: options.controlPlane, http: ControlPlaneClient.makeHTTPClient(),
            identities: try WorkerIdentityStore(file: state.identityFile),
            tls: ControlPlaneTLS(
                try options.trust.configuration(),
                key: wantsCertificate ? try WorkerKey(file: state.keyFile) : nil)
        )
        do {
            try await run(client)
        } catch {
            try? await client.shutDown()
            throw error
        }
        try await client.shutDown()
    }

    private func run(_ client: ControlPlaneClient) async throws {
        let enrolment = Enrolment(
            client: client, store: client.identities,
            registration: Registration(
                name: options.name, role: .gateway, version: workerVersion,
                certificateRequest: client.tls.certificateRequest()),
            logger: logger
        )
        let identity: WorkerIdentity
        do {
            identity = try await cancelWhenGracefulShutdown { [options] in
                try await enrolment.identity(joinToken: options.joinToken)
            }
        } catch is CancellationError {
            return
        }
        var worker = self
        worker.logger[metadataKey: LogKey.worker] = "\(identity.id)"
        try await worker.serve(client, enrolment, identity)
    }

    private func serve(
        _ client: ControlPlaneClient, _ enrolment: Enrolment, _ identity: WorkerIdentity
    ) async throws {
        let journals = JournalDirectory(state.journalDirectory)
        let earlier = try journals.epochs()
        guard let id = identity.resourceID else { throw EnrolmentFailure.unusable(identity.id) }
        let tracing = options.tracing.map {
            GatewayTracing(sampling: TraceSampling(share: $0.share), buffer: TraceBuffer(metrics: metrics))
        }
        let (server, live) = try await startServer(client, id, journals, tracing)
        logger.info(
            "The gateway listens.",
            metadata: [LogKey.transport: "\(server.transport.rawValue)", LogKey.loops: "\(server.loops.count)"])
        let sink = GatewaySink(server: server, health: health, certificates: certificates(from: client))
        let series = SeriesUpkeep(sink: sink, metrics: metrics)
        let store = LastGoodStore(path: state.lastGoodFile, logger: logger)
        let lastGood = await restore(from: store, to: sink)
        onListening(server.port, server.securePort)

        let reporting = ReportingService(
            reporter: UsageReporter(uplink: client, unreported: UnreportedUsage(metrics), logger: logger), live: live,
            earlier: earlier, journals: journals,
            worker: id, finalTimeout: options.reportTimeout, logger: logger
        )
        let stream = StreamClient(
            client: client, announcement: announcement(server), sink: sink, store: store, lastGood: lastGood,
            logger: logger, metrics: metrics
        )
        // Ended in reverse order: clients first, the last report once nothing can be recorded any more, and after it the traces,
        // since usage is dearer than they are.
        let group = ServiceGroup(
            services: traceExport(tracing, of: identity) + [
                ClosureService { try await keepLastGood(in: store) },
                reporting,
                ClosureService { await cancelWhenGracefulShutdown { await enrolment.renew { .now } } },
                ClosureService { await cancelWhenGracefulShutdown { await stream.run() } },
                ClosureService { await cancelWhenGracefulShutdown { await series.run() } },
                ClosureService { await cancelWhenGracefulShutdown { await unloadWhatStartingTook() } },
                ClosureService { try await drain(server) },
            ],
            logger: logger
        )
        do {
            try await group.run()
        } catch {
            await server.shutDown()
            throw error
        }
        await server.shutDown()
        logger.info("The gateway has stopped.")
    }
}

// MARK: - Parts

extension GatewayWorker {
    private func startServer(
        _ client: ControlPlaneClient, _ worker: ResourceID, _ journals: JournalDirectory, _ tracing: GatewayTracing?
    ) async throws -> (GatewayServer, [LiveEpoch]) {
        let live = LiveEpochs()
        let server: GatewayServer
        do {
            server = try await GatewayServer.start(
                options: GatewayOptions(
                    host: options.listen.host, port: options.listen.port, limits: options.limits,
                    pool: options.pool, connections: options.connections,
                    accessLog: accessLog?.destination
                        ?? (options.accessLog == .standardOutput ? .standardOutput : .off),
                    accessLogFormat: options.accessLogFormat,
                    transport: options.transport, loops: options.loops, secure: secureListener,
                    clientCertificates: clientCertificates, tracing: tracing, zone: options.zone,
                    trustedProxies: options.trustedProxies
                ),
                ledger: { [state, logger, metrics] loop in
                    let epoch = try state.startEpoch(at: .now)
                    let journal = try UsageJournal(
                        directory: journals, worker: worker, epoch: epoch, limits: JournalLimits(), logger: logger,
                        metrics: metrics
                    )
                    live.add(LiveEpoch(journal, on: loop) { .now })
                    return LoopLedger(
                        recorder: journal, leases: LeaseClient(client: client, epoch: epoch, metrics: metrics))
                },
                digest: { Secret.isLike($0, .apiKey) ? .sha256(of: $0) : nil },
                debugCheck: debugCheck, logger: logger, metrics: metrics
            )
        } catch let failure as FileFailure {
            throw StartFailure(what: "the usage journal cannot be made", cause: failure)
        } catch {
            let addresses = [options.listen, options.secure?.listen].compactMap { $0?.description }
            throw StartFailure(
                what: "the gateway cannot listen on \(addresses.joined(separator: " and "))", cause: error)
        }
        return (server, live.all)
    }

    /// One service, where requests are traced.
    private func traceExport(
        _ tracing: GatewayTracing?, of identity: WorkerIdentity
    ) -> [any ServiceLifecycle.Service] {
        guard let tracing, let options = options.tracing else { return [] }
        return [
            TraceExportService(
                options: options, buffer: tracing.buffer, instance: identity.id,
                finalTimeout: self.options.traceTimeout, metrics: metrics, logger: logger)
        ]
    }

    /// Nil where nobody is told of requests.
    private var debugCheck: Gateway.DebugCheck? {
        guard let token = options.debugToken else { return nil }
        return { token.matches($0) }
    }

    private var secureListener: SecureListener? {
        guard let secure = options.secure, let servedCertificates else { return nil }
        return SecureListener(
            host: secure.listen.host, port: secure.listen.port, certificates: servedCertificates.certificates)
    }

    private func certificates(from client: ControlPlaneClient) -> GatewaySink.Certificates? {
        servedCertificates.map { served in
            let keys = SealingKeyRing(file: state.sealingKeysFile, logger: logger)
            return GatewaySink.Certificates(
                served: served, opener: CertificateOpener(keys: keys, ask: { try await client.sealingKeys() }))
        }
    }

    private func announcement(_ server: GatewayServer) -> WorkerAnnouncement {
        var addresses = ["\(options.listen.host):\(server.port)"]
        if let secure = options.secure, let port = server.securePort {
            addresses.append("\(secure.listen.host):\(port)")
        }
        return WorkerAnnouncement(
            version: workerVersion, capabilities: Set(Capability.allCases.map(\.rawValue)), addresses: addresses,
            zone: options.zone)
    }

    /// How long after the gateway listens whatever only a start needs has been used.
    private static let startingTime = Duration.seconds(2)

    private func unloadWhatStartingTook() async {
        guard (try? await Task.sleep(for: Self.startingTime)) != nil else { return }
        ProgramImage.unload()
        try? await gracefulShutdown()
    }

    private func drain(_ server: GatewayServer) async throws {
        try? await gracefulShutdown()
        logger.info("Shutting down: finishing the requests in flight.")
        health.draining()
        await server.drain(timeout: options.drainTimeout)
    }
}

/// Hands the journals' handles from the loops on which they are made to whoever starts the gateway.
private final class LiveEpochs: Sendable {
    private let epochs = Mutex<[LiveEpoch]>([])

    var all: [LiveEpoch] { epochs.withLock { $0 } }

    func add(_ epoch: LiveEpoch) { epochs.withLock { $0.append(epoch) } }
}

/// Why a worker could not start.
struct StartFailure: Error, CustomStringConvertible {
    var what: String
    var cause: any Error

    var description: String { "\(what): \(cause)" }
}
