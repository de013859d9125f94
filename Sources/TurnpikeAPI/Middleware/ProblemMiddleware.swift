// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import Logging
import NIOHTTP1
import TurnpikeModel
import TurnpikeTelemetry

/// The one place where an error becomes an answer: `application/problem+json` (RFC 9457).
struct ProblemMiddleware: RouterMiddleware {
    let logger: Logger

    func handle(
        _ request: Request, context: APIContext, next: (Request, APIContext) async throws -> Response
    ) async throws -> Response {
        do {
            return try await next(request, context)
        } catch let error as MethodNotAllowed {
            let problem = TurnpikeError(.methodNotAllowed, "Allowed here: \(error.allow).")
            var response = answer(problem, request, context)
            response.headers[.allow] = error.allow
            return response
        } catch let error as UnsupportedBody {
            return answer(error, request, context)
        } catch let error as TurnpikeError {
            return answer(error, request, context)
        } catch let error as any HTTPResponseError {
            return answer(ProblemMiddleware.translate(error), request, context)
        } catch let error as HTTPParserError {
            // Of a body: what is wrong with a head comes to no middleware.
            return answer(TurnpikeError(malformed: error), request, context)
        } catch {
            return answer(TurnpikeError(.internalError, "", cause: error), request, context)
        }
    }

    /// What the HTTP server itself refuses.
    private static func translate(_ error: any HTTPResponseError) -> TurnpikeError {
        switch error.status {
        case .notFound: TurnpikeError(.notFound, "There is nothing at this path.")
        case .contentTooLarge: TurnpikeError(.bodyTooLarge, "The body is larger than this operation takes.")
        case .badRequest: TurnpikeError(.malformedRequest, "The request cannot be read.")
        default: TurnpikeError(.internalError, "", cause: error)
        }
    }

    /// Says what is taken instead, in the header that is meant for it.
    private func answer(_ error: UnsupportedBody, _ request: Request, _ context: APIContext) -> Response {
        switch error {
        case .type(let taken):
            let problem = TurnpikeError(.unsupportedMediaType, "Send the body as \(taken.joined(separator: " or ")).")
            var response = answer(problem, request, context)
            response.headers[request.method == .patch ? .acceptPatch : .accept] = taken.joined(separator: ", ")
            return response
        case .coding:
            let problem = TurnpikeError(.unsupportedMediaType, "Send the body as it is, without 'Content-Encoding'.")
            var response = answer(problem, request, context)
            response.headers[.acceptEncoding] = "identity"
            return response
        }
    }

    private func answer(_ error: TurnpikeError, _ request: Request, _ context: APIContext) -> Response {
        if error.code.status >= 500 || error.cause != nil {
            // Refusing work while shutting down, or a read of what is not there yet, is no failure.
            logger.log(
                level: error.code == .draining || error.code == .notReady ? .info : .error, "request failed",
                metadata: [LogKey.requestID: "\(context.requestID)", LogKey.error: "\(error)"])
        }
        // Of our own failures a client learns the code only, but for those that say what to do about them.
        let detail = error.code == .internalError ? ErrorCode.internalError.title + "." : error.detail
        var headers: HTTPFields = [.contentType: "application/problem+json"]
        if let wait = error.retryAfter { headers[.retryAfter] = "\(max(1, (wait.inMilliseconds + 999) / 1000))" }
        if error.code == .unauthenticated { headers[.wwwAuthenticate] = "Bearer" }
        let body = error.problem(detail: detail, instance: request.uri.path, requestID: context.requestID)
        return Response(
            status: .init(code: error.code.status), headers: headers,
            body: .init(byteBuffer: ByteBuffer(bytes: body.bytes(.pretty))))
    }
}

extension TurnpikeError {
    /// The document that tells of it (RFC 9457).
    ///
    /// - Parameter instance: the path that was asked for; `nil` where none could be read.
    func problem(detail: String, instance: String?, requestID: String) -> JSON {
        .object(
            JSONObject([
                "type": .string(code.type), "title": .string(code.title), "status": .integer(Int64(code.status)),
                "detail": .string(detail), "instance": instance.map { .string($0) }, "requestId": .string(requestID),
                "errors": faults.isEmpty ? nil : .array(faults.map(\.json)),
            ]))
    }

    /// What the HTTP parser has found.
    init(malformed error: HTTPParserError) {
        if error == .headerOverflow {
            self.init(.headersTooLarge, "The request's head is larger than this server takes.")
        } else {
            self.init(.malformedRequest, "The request is not well-formed: \(error).")
        }
    }
}
