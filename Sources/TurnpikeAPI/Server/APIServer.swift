// SPDX-License-Identifier: Apache-2.0

public import Hummingbird
import HummingbirdCore
public import Logging
import NIOCore
public import TurnpikeControl
import TurnpikeModel
public import TurnpikeTelemetry

/// The REST API and the workers' protocol over HTTP/1.1, within TLS where the options say so.
public struct APIServer: Sendable {
    private let control: ControlPlane
    private let options: APIOptions
    private let logger: Logger
    private let metrics: MetricsRegistry

    public init(control: ControlPlane, options: APIOptions, logger: Logger, metrics: MetricsRegistry) {
        self.control = control
        self.options = options
        self.logger = logger
        self.metrics = metrics
    }

    /// Serves until the surrounding service group shuts down or the task is cancelled; requests in flight are answered.
    ///
    /// - Parameter onReady: called once with the port that is listened on.
    public func run(onReady: @escaping @Sendable (Int) async -> Void) async throws {
        let http = HTTP1Channel.Configuration(idleTimeout: .nanoseconds(options.idleTimeout.inNanoseconds))
        let application = Application(
            router: buildRouter(
                control: control, openAPI: options.openAPI, readYAML: options.readYAML,
                workerCertificates: options.workerCertificates, metrics: metrics, logger: logger),
            server: options.tls.map { tls in
                HTTPServerBuilder { TLSChannel(base: HTTP1Channel(responder: $0, configuration: http), tls: tls) }
            } ?? .http1(configuration: http),
            configuration: ApplicationConfiguration(
                address: .hostname(options.host, port: options.port), serverName: "turnpike",
                availableConnectionsDelegate: MaximumAvailableConnections(options.mostConnections, logger: logger)),
            onServerRunning: { channel in await onReady(channel.localAddress?.port ?? 0) },
            logger: logger
        )
        try await application.runService(gracefulShutdownSignals: [])
    }
}

/// The one place where endpoints and middleware come together.
public func buildRouter(
    control: ControlPlane, openAPI: [UInt8], readYAML: YAMLReading? = nil,
    workerCertificates: WorkerCertificates = .notRequired, metrics: MetricsRegistry, logger: Logger
) -> Router<APIContext> {
    let router = Router(context: APIContext.self)
    // First the request id: everything behind it names the request.
    router.add(middleware: RequestIdentity(control: control, logger: logger, metrics: OperationMetrics(metrics)))
    // Then the one place where errors become answers, so that authentication's are among them.
    router.add(middleware: ProblemMiddleware(logger: logger))
    router.add(middleware: KnownMethods())
    let endpoints = allEndpoints(
        control: control, openAPI: openAPI, readYAML: readYAML, workerCertificates: workerCertificates, metrics: metrics
    )
    register(endpoints, on: router, Authentication(control: control, workerCertificates: workerCertificates))
    return router
}

/// Every operation of the API, in the order of the documentation.
func allEndpoints(
    control: ControlPlane, openAPI: [UInt8], readYAML: YAMLReading? = nil,
    workerCertificates: WorkerCertificates = .notRequired, metrics: MetricsRegistry
) -> [Endpoint] {
    ServerEndpoints(control: control, openAPI: openAPI, metrics: metrics).all
        + Kind.allCases.flatMap { ResourceEndpoints(kind: $0, control: control).all }
        + ApplyEndpoints(control: control, yaml: readYAML.map { YAMLQueue($0) }).all
        + RevisionEndpoints(control: control).all
        + LogEndpoints(control: control).all + ExplainEndpoints(control: control).all
        + UsageEndpoints(control: control).all
        + WorkerEndpoints(control: control, workerCertificates: workerCertificates).all
}
