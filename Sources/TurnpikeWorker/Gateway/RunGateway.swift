// SPDX-License-Identifier: Apache-2.0

public import Logging
import ServiceLifecycle
import Synchronization
import TurnpikeModel
import TurnpikeProxy
public import TurnpikeTelemetry

/// Runs a gateway worker until SIGTERM or SIGINT, and then until it has finished the requests in flight, given back its
/// leases and reported its usage.
///
/// - Parameter onStart: called once clients and health checks are answered. Whether the worker has a configuration by
///   then is what `/readyz` says.
/// - Throws: what keeps the worker from starting: a state directory that is in use or damaged, a port that is taken, a
///   join token that is refused. Once it runs, neither the control plane nor the network can make it stop.
public func runGateway(
    _ options: GatewayWorkerOptions, logger: Logger, metrics: MetricsRegistry,
    onStart: @escaping @Sendable (GatewayPorts) -> Void = { _ in }
) async throws {
    let stop = await StopSignals.trap()
    let state = try StateDirectory(options.stateDirectory)
    let accessLog: AccessLogFile? = if case .file(let path) = options.accessLog { try AccessLogFile(path) } else { nil }
    let servedCertificates = options.secure.map { _ in ServedCertificates(metrics: metrics) }
    let clientCertificates = ClientCertificates()
    var certificates: [CertificateService] = []
    if let servedCertificates, let folder = options.secure?.certificates.map(CertificateFolder.init) {
        certificates.append(try CertificateService(keeping: servedCertificates, in: folder, logger: logger))
    }
    if let folder = options.clientCertificates.map(CertificateFolder.init) {
        certificates.append(
            try CertificateService(keeping: clientCertificates, in: folder, logger: logger, metrics: metrics))
    }
    let health = WorkerHealth()
    let ports = StartedPorts(onStart)
    let admin = AdminListener(
        address: options.adminListen, pages: AdminPages(health: health, metrics: metrics), logger: logger
    ) { ports.report(admin: $0) }
    let worker = GatewayWorker(
        options: options, state: state, accessLog: accessLog, servedCertificates: servedCertificates,
        clientCertificates: clientCertificates, health: health, logger: logger, metrics: metrics
    ) { ports.report(gateway: $0, secure: $1) }
    let hangUp = HangUpService(accessLog: accessLog, certificates: certificates, logger: logger)
    let services: [any ServiceLifecycle.Service] = [stop, admin, hangUp] + certificates + [worker]
    let group = ServiceGroup(
        configuration: ServiceGroupConfiguration(
            services: services.map { service in
                .init(
                    service: service, successTerminationBehavior: .gracefullyShutdownGroup,
                    failureTerminationBehavior: .gracefullyShutdownGroup
                )
            },
            logger: logger
        )
    )
    try await group.run()
}

/// Waits for both ports.
private final class StartedPorts: Sendable {
    private let ports = Mutex(GatewayPorts(gateway: 0, admin: 0))
    private let onStart: @Sendable (GatewayPorts) -> Void

    init(_ onStart: @escaping @Sendable (GatewayPorts) -> Void) { self.onStart = onStart }

    func report(gateway: Int = 0, secure: Int? = nil, admin: Int = 0) {
        let known = ports.withLock { ports in
            ports.gateway += gateway
            if let secure { ports.secure = secure }
            ports.admin += admin
            return ports
        }
        if known.gateway > 0, known.admin > 0 { onStart(known) }
    }
}
