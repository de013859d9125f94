// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel

extension Gateway {
    /// Finds the tenant by host, and the tenant's route by host, normalised path, method and conditions.
    func match(
        _ head: RequestHead, _ bytes: UnsafeRawBufferPointer, from address: IPAddress?,
        context: inout RequestContext
    ) throws(Refusal) -> GatewayRoute {
        guard let current else { throw .notReady }
        context.revision = current.revision
        guard !head.isAsterisk else { throw Refusal(.noRoute, "No route matches the request.") }

        let path = bytes[head.path]
        context.path = normaliser.normalise(path, keepingSlashes: true)
        if case .fault(let fault) = context.path { throw .malformed(fault) }
        guard let tenant = current.tenant(of: bytes[head.host]) else {
            guard !normaliser.hasEncodedSlashes else { throw .malformed(.forbiddenEncodedCharacter) }
            throw Refusal(.noRoute, "No route matches the request.")
        }
        let match = normaliser.withPath(context.path, of: path) { path in
            tenant.directory.lookup(RequestFacts(head, bytes, path: path, address: address, scratch: scratch))
        }
        if normaliser.hasEncodedSlashes {
            guard case .route(let route)? = match, route.takesEncodedSlashes else {
                throw .malformed(.forbiddenEncodedCharacter)
            }
        }
        switch match {
        case .route(let route):
            context.route = route
            context.limits = tenant.limits(of: route)
            return route
        case .methodNotAllowed(let allowed): throw .methodNotAllowed(allowed.header)
        case .notFound: throw Refusal(.noRoute, "No route matches the request.")
        case nil: throw .malformed(.badPath)
        }
    }
}
