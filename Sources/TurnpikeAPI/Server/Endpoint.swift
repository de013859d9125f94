// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import NIOHTTPTypes
import TurnpikeControl
import TurnpikeModel

/// One operation: what the router serves and the contract test compares with `openapi.yaml`.
struct Endpoint: Sendable {
    /// Who may call it.
    enum Access: Sendable {
        case everybody
        /// Whoever holds an operator's token; how far it reaches is the use case's to judge.
        case operators
        /// Operators who may write at all; how far, the use case judges. Others are refused before their body is read.
        case writers
        /// Operators that are not bound to a tenant.
        case platform
        case workers, joinTokens
    }

    var method: HTTPRequest.Method
    /// As `openapi.yaml` writes it: `/v1/tenants/{tenant}/routes/{name}`.
    var path: String
    var access: Access
    /// Query parameters that the operation knows; all others are refused.
    var parameters: Set<String>
    /// Whether any other parameter is a field filter.
    var takesFilters = false
    var handle: @Sendable (Request, APIContext) async throws -> Response

    init(
        _ method: HTTPRequest.Method, _ path: String, _ access: Access, parameters: Set<String> = [],
        takesFilters: Bool = false, handle: @escaping @Sendable (Request, APIContext) async throws -> Response
    ) {
        self.method = method
        self.path = path
        self.access = access
        self.parameters = parameters
        self.takesFilters = takesFilters
        self.handle = handle
    }
}

/// Puts the endpoints on the router, and an answer that names the allowed methods on every other method of their paths.
func register(
    _ endpoints: [Endpoint], on router: Router<APIContext>, _ authentication: Authentication,
    _ admission: Admission = Admission()
) {
    for (path, group) in Dictionary(grouping: endpoints, by: \.path) {
        let routerPath = RouterPath(path.replacing("{", with: ":").replacing("}", with: ""))
        var allowed = group.map(\.method)
        for endpoint in group {
            router.on(routerPath, method: endpoint.method) { request, context in
                try await endpoint.answer(request, context, authentication, admission)
            }
            if endpoint.hasHead {
                allowed.append(.head)
                router.on(routerPath, method: .head) { request, context in
                    try await endpoint.answer(request, context, authentication, admission).createHeadResponse()
                }
            }
        }
        allowed.append(.options)
        let allow = allowed.map(\.rawValue).sorted().joined(separator: ", ")
        var options: HTTPFields = [.allow: allow]
        if allowed.contains(.patch) { options[.acceptPatch] = Request.patchTypes.joined(separator: ", ") }
        router.on(routerPath, method: .options) { [options] _, _ in Response(status: .noContent, headers: options) }
        for method in KnownMethods.all where !allowed.contains(method) {
            router.on(routerPath, method: method) { _, _ -> Response in throw MethodNotAllowed(allow: allow) }
        }
    }
}

extension Endpoint {
    /// Whether HEAD answers as GET does. A worker's GET opens its stream, and ends the one that it had.
    fileprivate var hasHead: Bool { method == .get && access != .workers }

    /// Whether a shutdown refuses it: whoever asks after the server's health is told, and what workers send is the use cases' to
    /// refuse, for acknowledgements are waited for.
    private var needsAdmission: Bool { access != .everybody && access != .workers }

    fileprivate func answer(
        _ request: Request, _ context: APIContext, _ authentication: Authentication, _ admission: Admission
    ) async throws -> Response {
        if needsAdmission { try admission.enter() }
        defer { if needsAdmission { admission.leave() } }
        var context = context
        context.principal = try await authentication.principal(of: request, context, for: access)
        try refuseWhatIsIgnored(in: request)
        try await waitForRevision(request, control: authentication.control)
        try await invite(request, context)
        let revision = authentication.control.revision
        context.notes.note { $0.revision = revision }
        return try await handle(request, context)
    }

    /// Nothing is taken in silence: what has no meaning here, or more than one, is refused rather than passed over.
    private func refuseWhatIsIgnored(in request: Request) throws(TurnpikeError) {
        var seen: Set<Substring> = []
        for (name, _) in request.uri.queryParameters {
            guard takesFilters || parameters.contains(String(name)) else {
                throw TurnpikeError(.invalidParameter, "There is no parameter '\(name)' here.")
            }
            guard seen.insert(name).inserted || name == "label" else {
                throw TurnpikeError(.invalidParameter, "'\(name)' stands more than once.")
            }
        }
        for header in [HTTPField.Name.ifMatch, .ifNoneMatch] where method == .post && request.headers[header] != nil {
            throw TurnpikeError(
                .invalidParameter,
                "'\(header)' is about a resource that is there or not, and a POST names none; use PUT, PATCH or DELETE."
            )
        }
    }

    /// Has a client send its body that asks first, now that it is known who it is (RFC 9110 §10.1.1); one that has to be refused
    /// was told so instead. Without an answer, clients such as curl hold a large body back for a second.
    private func invite(_ request: Request, _ context: APIContext) async throws {
        guard request.headers[.expect]?.lowercased() == "100-continue" else { return }
        try await context.channel.writeAndFlush(HTTPResponsePart.head(HTTPResponse(status: .continue)))
    }

    /// The longest that a read waits for what it wants to see.
    private static let readTimeout = Duration.seconds(5)

    /// With `minRevision`, a read sees what its client has written, whichever server it asks.
    private func waitForRevision(_ request: Request, control: ControlPlane) async throws(TurnpikeError) {
        guard takesFilters || parameters.contains("minRevision"), let least = try request.revision("minRevision")
        else { return }
        try await control.waitForRevision(least, timeout: Self.readTimeout)
    }
}

/// A known path, asked with a method that it does not have.
struct MethodNotAllowed: Error {
    var allow: String
}
