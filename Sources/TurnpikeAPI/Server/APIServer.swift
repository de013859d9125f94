// SPDX-License-Identifier: Apache-2.0

public import Hummingbird
import HummingbirdCore
public import Logging
import NIOCore
import ServiceLifecycle
import Synchronization
public import TurnpikeControl
import TurnpikeModel
public import TurnpikeTelemetry

/// The REST API and the workers' protocol over HTTP/1.1, within TLS where the options say so.
public final class APIServer: Sendable {
    private struct State {
        var responder: RouterResponder<APIContext>
        /// `nil` while it is being loaded.
        var control: ControlPlane?
        /// When a shutdown has to be over.
        var deadline: ContinuousClock.Instant?
    }

    private let state: Mutex<State>
    private let options: APIOptions
    private let logger: Logger
    private let metrics: MetricsRegistry
    private let admission = Admission()
    private let connections = OpenConnections()
    private let operationMetrics: OperationMetrics

    /// - Parameter progress: what those are told who come before ``open(_:)``.
    public init(options: APIOptions, progress: LoadingProgress, logger: Logger, metrics: MetricsRegistry) {
        self.options = options
        self.logger = logger
        self.metrics = metrics
        operationMetrics = OperationMetrics(metrics)
        let router = Router(context: APIContext.self)
        router.add(
            middleware: RequestIdentity(
                control: nil, connections: connections, sources: options.sources, logger: logger,
                metrics: operationMetrics))
        router.add(middleware: ProblemMiddleware(logger: logger))
        router.add(middleware: Loading(progress: progress))
        state = Mutex(State(responder: router.buildResponder()))
    }

    /// The control plane is loaded: from here on requests are its.
    public func open(_ control: ControlPlane) {
        let responder = buildRouter(
            control: control, openAPI: options.openAPI, readYAML: options.readYAML,
            workerCertificates: options.workerCertificates, admission: admission, connections: connections,
            sources: options.sources, metrics: metrics, operationMetrics: operationMetrics, logger: logger
        ).buildResponder()
        state.withLock { state in
            state.responder = responder
            state.control = control
        }
    }

    /// How long requests that are in flight as a shutdown begins may take to be answered before no more writes are taken.
    private static let answerLimit = Duration.seconds(2)
    /// What is left for the last bytes, however long it has taken to come so far.
    private static let leastCloseLimit = Duration.seconds(1)

    /// The first half of a shutdown, while the port is still open: new requests are refused, those in flight are answered, and
    /// streams end where they have given out the newest state. What ``APIServer/run(onReady:)`` does upon the surrounding service
    /// group's shutdown is the second.
    public func drain() async {
        let start = ContinuousClock.now
        guard let control = state.withLock(\.control) else { return }
        control.announceShutdown()
        await admission.close(within: min(Self.answerLimit, options.drainTimeout))
        await control.shutDown(within: max(.zero, options.drainTimeout - (ContinuousClock.now - start)))
        state.withLock { $0.deadline = start + options.drainTimeout }
    }

    /// Serves until the surrounding service group shuts down or the task is cancelled. Answers under way are finished then, as
    /// long as that takes no longer than the options say, counted from ``drain()``; what remains is cut.
    ///
    /// - Parameter onReady: called once with the port that is listened on.
    public func run(onReady: @escaping @Sendable (Int) async -> Void) async throws {
        let application = application(onReady)
        try await withThrowingTaskGroup(of: Bool.self) { group in
            group.addTask {
                try await application.runService(gracefulShutdownSignals: [])
                return true
            }
            group.addTask {
                await self.cutWhenTimeIsOver()
                return false
            }
            let hasEnded = try await group.next()
            group.cancelAll()
            // What it ends with, once all is cut, is of no interest any more.
            if hasEnded == false { _ = try? await group.next() }
        }
    }

    private func cutWhenTimeIsOver() async {
        do {
            try await gracefulShutdown()
            let now = ContinuousClock.now
            let end = max(state.withLock(\.deadline) ?? now + options.drainTimeout, now + Self.leastCloseLimit)
            try await Task.sleep(until: end, clock: .continuous)
        } catch { return }
        let cut = connections.cut()
        logger.warning(
            "Answers are cut: their clients have not taken them in time",
            metadata: [LogKey.count: "\(cut.count)", LogKey.operations: "\(cut.summary)"])
    }

    private func application(
        _ onReady: @escaping @Sendable (Int) async -> Void
    ) -> Application<CurrentResponder> {
        let http = HTTP1Channel.Configuration(
            additionalChannelHandlers: [
                MalformedRequests(logger: self.logger, metrics: self.operationMetrics) {
                    self.state.withLock(\.control)?.revision
                }
            ],
            idleTimeout: .nanoseconds(options.idleTimeout.inNanoseconds))
        let (connections, patience) = (connections, options.drainTimeout)
        return Application(
            responder: CurrentResponder { self.state.withLock(\.responder) },
            server: options.tls.map { tls in
                HTTPServerBuilder {
                    DrainingChannel(
                        base: TLSChannel(base: HTTP1Channel(responder: $0, configuration: http), tls: tls),
                        connections: connections, patience: patience)
                }
            }
                ?? HTTPServerBuilder {
                    DrainingChannel(
                        base: HTTP1Channel(responder: $0, configuration: http), connections: connections,
                        patience: patience)
                },
            configuration: ApplicationConfiguration(
                address: .hostname(options.host, port: options.port), serverName: "turnpike",
                availableConnectionsDelegate: CountedConnections(most: options.mostConnections, metrics)),
            onServerRunning: { channel in await onReady(channel.localAddress?.port ?? 0) },
            logger: logger
        )
    }
}

extension [String] {
    /// Each of them once, with how often it is there: `GET /v1/export (2)`.
    fileprivate var summary: String {
        Dictionary(grouping: self, by: \.self).sorted { $0.key < $1.key }.map { "\($0.key) (\($0.value.count))" }
            .joined(separator: ", ")
    }
}

/// The one place where endpoints and middleware come together.
public func buildRouter(
    control: ControlPlane, openAPI: [UInt8], readYAML: YAMLReading? = nil,
    workerCertificates: WorkerCertificates = .notRequired, sources: RequestSources = RequestSources(),
    metrics: MetricsRegistry, logger: Logger
) -> Router<APIContext> {
    buildRouter(
        control: control, openAPI: openAPI, readYAML: readYAML, workerCertificates: workerCertificates,
        admission: Admission(), connections: OpenConnections(), sources: sources, metrics: metrics,
        operationMetrics: OperationMetrics(metrics), logger: logger)
}

func buildRouter(
    control: ControlPlane, openAPI: [UInt8], readYAML: YAMLReading?, workerCertificates: WorkerCertificates,
    admission: Admission, connections: OpenConnections, sources: RequestSources, metrics: MetricsRegistry,
    operationMetrics: OperationMetrics,
    logger: Logger
) -> Router<APIContext> {
    let router = Router(context: APIContext.self)
    // First the request id: everything behind it names the request.
    router.add(
        middleware: RequestIdentity(
            control: control, connections: connections, sources: sources, logger: logger, metrics: operationMetrics))
    // Then the one place where errors become answers, so that authentication's are among them.
    router.add(middleware: ProblemMiddleware(logger: logger))
    router.add(middleware: KnownMethods())
    let endpoints = allEndpoints(
        control: control, openAPI: openAPI, readYAML: readYAML, workerCertificates: workerCertificates, metrics: metrics
    )
    let authentication = Authentication(control: control, workerCertificates: workerCertificates)
    register(endpoints, on: router, authentication, admission)
    return router
}

/// Every operation of the API, in the order of the documentation.
func allEndpoints(
    control: ControlPlane, openAPI: [UInt8], readYAML: YAMLReading? = nil,
    workerCertificates: WorkerCertificates = .notRequired, metrics: MetricsRegistry
) -> [Endpoint] {
    ServerEndpoints(control: control, openAPI: openAPI, metrics: metrics).all
        + Kind.allCases.flatMap { ResourceEndpoints(kind: $0, control: control).all }
        + ApplyEndpoints(control: control, yaml: readYAML.map { YAMLQueue($0, metrics: metrics) }).all
        + RevisionEndpoints(control: control).all
        + LogEndpoints(control: control).all + ExplainEndpoints(control: control).all
        + UsageEndpoints(control: control).all
        + WorkerEndpoints(control: control, workerCertificates: workerCertificates).all
}
