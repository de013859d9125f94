// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import TurnpikeControl
import TurnpikeModel

/// Answers in the control plane's place until it is loaded: that the process lives, how far it is, and `not-ready` for all
/// else.
struct Loading: RouterMiddleware {
    let progress: LoadingProgress

    func handle(
        _ request: Request, context: APIContext, next: (Request, APIContext) async throws -> Response
    ) async throws -> Response {
        switch (request.method, request.uri.path) {
        case (.get, ServerEndpoints.health): ServerEndpoints.alive
        case (.head, ServerEndpoints.health): ServerEndpoints.alive.createHeadResponse()
        case (.get, ServerEndpoints.readiness): readiness
        case (.head, ServerEndpoints.readiness): readiness.createHeadResponse()
        default: throw TurnpikeError(.notReady, progress.description, retryAfter: .seconds(1))
        }
    }

    private var readiness: Response { ServerEndpoints.readiness(at: 0, obstacles: [progress.description]) }
}

/// Hands each request to whoever answers at the moment.
struct CurrentResponder: HTTPResponder {
    let current: @Sendable () -> RouterResponder<APIContext>

    func respond(to request: Request, context: APIContext) async throws -> Response {
        try await current().respond(to: request, context: context)
    }
}
