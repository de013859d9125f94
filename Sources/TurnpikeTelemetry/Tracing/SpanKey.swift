// SPDX-License-Identifier: Apache-2.0

/// Names of attributes of spans, so that dashboards have one list to hold to. Those of the first part are OpenTelemetry's
/// (Semantic Conventions, "HTTP spans" and "Service"), the others this product's own.
public enum SpanKey {
    public static let clientAddress = "client.address"
    public static let errorType = "error.type"
    public static let requestMethod = "http.request.method"
    /// Where the method is none that is known.
    public static let originalMethod = "http.request.method_original"
    /// Of a retry: 1 for the first.
    public static let resendCount = "http.request.resend_count"
    /// Bytes of head and content, as a client over HTTP/1.1 sends or would send them.
    public static let requestSize = "http.request.size"
    public static let responseSize = "http.response.size"
    public static let responseStatus = "http.response.status_code"
    /// A route's only path, as the route writes it.
    public static let route = "http.route"
    public static let peerAddress = "network.peer.address"
    public static let protocolVersion = "network.protocol.version"
    public static let serverAddress = "server.address"
    public static let serverPort = "server.port"
    /// Without the query, in which there may be secrets.
    public static let fullURL = "url.full"
    public static let urlPath = "url.path"
    public static let urlScheme = "url.scheme"

    public static let serviceName = "service.name"
    public static let serviceInstance = "service.instance.id"
    public static let serviceVersion = "service.version"

    public static let tenant = "turnpike.tenant"
    public static let turnpikeRoute = "turnpike.route"
    public static let service = "turnpike.service"
    public static let requestID = "turnpike.request_id"
    /// The id of the API key, never the key.
    public static let keyID = "turnpike.key_id"
    /// The code of the problem with which the gateway refused the request.
    public static let refusal = "turnpike.refusal"
    /// Whether a try was made on a connection that had served a request before.
    public static let reusedConnection = "turnpike.connection_reused"
}
