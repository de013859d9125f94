// SPDX-License-Identifier: Apache-2.0

public import TurnpikeControl
public import TurnpikeModel

/// Reads the YAML of a bundle into the JSON that it says, all documents of the text as one bundle.
public typealias YAMLReading = @Sendable (String) throws(TurnpikeError) -> JSON

/// How the API is served.
public struct APIOptions: Sendable {
    /// The address to listen on. Loopback unless told otherwise.
    public var host: String
    /// 0 lets the system choose.
    public var port: Int
    /// The contract, served at `/openapi.yaml`.
    public var openAPI: [UInt8]
    /// `nil`: bundles come as JSON only.
    public var readYAML: YAMLReading?
    /// `nil`: plain HTTP.
    public var tls: ServerTLS?
    public var workerCertificates: WorkerCertificates
    /// Where requests come from, seen through proxies. Nobody is believed unless told otherwise.
    public var sources = RequestSources()
    /// The longest that a connection may leave the server without a whole head, or the next part of a body that has begun:
    /// then it is closed. Default 90 s, which is longer than clients keep idle connections. Answers take as long as they
    /// take, and so do streams.
    public var idleTimeout = Duration.seconds(90)
    /// Connections at once; more wait to be accepted. Default 40,000: a worker has a stream, and sends reports beside it.
    public var mostConnections = 40_000

    /// How long a shutdown may take: for answers under way and for streams to give out the newest state. Default 10 s.
    public var drainTimeout = Duration.seconds(10)

    public init(
        host: String = "127.0.0.1", port: Int = 8080, openAPI: [UInt8], readYAML: YAMLReading? = nil,
        tls: ServerTLS? = nil, workerCertificates: WorkerCertificates = .notRequired
    ) {
        self.host = host
        self.port = port
        self.openAPI = openAPI
        self.readYAML = readYAML
        self.tls = tls
        self.workerCertificates = workerCertificates
    }
}

/// What workers must show beside their credential: a certificate of which the handshake proved that they hold its key.
public enum WorkerCertificates: Sendable {
    case notRequired
    /// The one that the control plane issued to this very worker. Whoever joins has none yet.
    case ofThisWorker
    /// Any that is trusted, on joining too.
    case trusted
}
