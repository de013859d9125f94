// SPDX-License-Identifier: Apache-2.0

extension GatewayConfiguration {
    /// Where a request would go, and how the routes that it does not go to fared.
    public struct Explanation: Sendable {
        public struct Candidate: Sendable {
            public let route: GatewayRoute
            public let verdict: RouteTable.Candidate.Verdict
        }

        /// In the form in which it is matched and forwarded.
        public let path: String
        /// The selected route first, then those that match too, in order of precedence, then the rest by how far they
        /// came.
        public let candidates: [Candidate]
        /// The `Allow` field of the 405 that the request gets, where only the method is in the way.
        public let allow: String?
    }

    /// Takes a request through the very steps by which gateways match.
    ///
    /// - Parameters:
    ///   - host: as in `Host`, with or without port.
    ///   - target: path and, where there is one, query.
    /// - Throws: what a gateway refuses such a request for.
    public func explain(method: String, host: String, target: String) throws(HTTPFault) -> Explanation {
        // Swift's own closures over buffers rethrow untyped; a result carries the fault out of them.
        let outcome = Array(host.utf8).withUnsafeBytes { host in
            Array(method.utf8).withUnsafeBytes { method in
                Array(target.utf8.prefix { $0 != ASCII.question }).withUnsafeBytes { path in
                    Result { () throws(HTTPFault) in try explain(method: method, host: host, path: path) }
                }
            }
        }
        return try outcome.get()
    }

    private func explain(
        method: UnsafeRawBufferPointer, host: UnsafeRawBufferPointer, path: UnsafeRawBufferPointer
    ) throws(HTTPFault) -> Explanation {
        let name = host[try HostValue(ByteRange(0, host.count), in: host).name]
        var normaliser = PathNormaliser()
        let outcome = normaliser.normalise(path)
        if case .fault(let fault) = outcome { throw fault }
        let explanation = normaliser.withPath(outcome, of: path) { path in
            let text = String(decoding: path, as: UTF8.self)
            guard let tenant = tenant(of: name) else { return Explanation(path: text, candidates: [], allow: nil) }
            var allow: String?
            if case .methodNotAllowed(let allowed) = tenant.table.lookup(host: name, path: path, method: method) {
                allow = tenant.table.allowHeader(allowed)
            }
            return Explanation(
                path: text,
                candidates: tenant.table.explain(host: name, path: path, method: method).map {
                    .init(route: tenant.routes[$0.index], verdict: $0.verdict)
                },
                allow: allow
            )
        }
        guard let explanation else { throw .badPath }
        return explanation
    }
}
