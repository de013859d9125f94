// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import TurnpikeModel

/// Refuses methods that HTTP does not know with 501, whatever the path (RFC 9110 §9.1).
struct KnownMethods: RouterMiddleware {
    /// Those of RFC 9110, PATCH of RFC 5789, and QUERY, which is about to be one.
    static let all: [HTTPRequest.Method] = [
        .get, .head, .post, .put, .patch, .delete, .options, .trace, .connect, .query,
    ]

    func handle(
        _ request: Request, context: APIContext, next: (Request, APIContext) async throws -> Response
    ) async throws -> Response {
        guard KnownMethods.all.contains(request.method) else {
            throw TurnpikeError(.methodNotSupported, "No operation has the method that was sent.")
        }
        return try await next(request, context)
    }
}

extension HTTPRequest.Method {
    fileprivate static let query = HTTPRequest.Method("QUERY")!
}
