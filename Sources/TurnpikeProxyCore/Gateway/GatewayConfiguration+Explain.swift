// SPDX-License-Identifier: Apache-2.0

public import TurnpikeModel

extension GatewayConfiguration {
    /// A request that has not been sent.
    public struct Question: Sendable {
        public var method: String
        /// As in `Host`, with or without port.
        public var host: String
        /// Path and, where there is one, query.
        public var target: String
        /// Fields other than `Host`.
        public var fields: [(name: String, value: String)]
        /// The client's, where it matters.
        public var address: IPAddress?
        /// The gateway's; nil for one that was not told.
        public var zone: String?

        public init(
            method: String, host: String, target: String, fields: [(name: String, value: String)] = [],
            address: IPAddress? = nil, zone: String? = nil
        ) {
            self.method = method
            self.host = host
            self.target = target
            self.fields = fields
            self.address = address
            self.zone = zone
        }
    }

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
        /// What the upstream gets to see, where the selected route rewrites it.
        public var forwardedPath: String?
        public var forwardedHost: String?
        /// The answer of the selected route, where it forwards nothing.
        public var answerStatus: Int?
        public var location: String?
        /// The protocol that the request may switch its connection to, in lower case.
        public var upgrade: String?
        /// How the gateway spreads requests over zones, by the names of those services of the route that mind them.
        public var zoneSpreads: [String: ZoneSpread] = [:]
        /// How the request's content would come.
        public var framing = BodyFraming.none
        /// The `Allow` field of the 405 that the request gets, where only the method is in the way.
        public let allow: String?

        init(path: String, candidates: [Candidate] = [], allow: String? = nil) {
            self.path = path
            self.candidates = candidates
            self.allow = allow
        }
    }

    /// Takes a request through the very steps by which gateways read and match.
    ///
    /// - Throws: what a gateway refuses such a request for.
    public func explain(_ question: Question) throws(HTTPFault) -> Explanation {
        // Swift's own closures over buffers rethrow untyped; a result carries the fault out of them.
        let outcome = try question.head().withUnsafeBytes { bytes in
            Result<Explanation, HTTPFault> { () throws(HTTPFault) -> Explanation in
                var head = RequestHead()
                var parser = RequestParser()
                switch parser.parse(bytes, into: &head) {
                case .complete: return try explain(head, bytes, question)
                case .incomplete: throw .badRequestLine
                case .fault(let fault): throw fault
                }
            }
        }
        return try outcome.get()
    }

    private func explain(
        _ head: RequestHead, _ bytes: UnsafeRawBufferPointer, _ question: Question
    ) throws(HTTPFault) -> Explanation {
        guard !head.isAsterisk else { throw .badPath }
        var normaliser = PathNormaliser()
        let outcome = normaliser.normalise(bytes[head.path], keepingSlashes: true)
        if case .fault(let fault) = outcome { throw fault }
        let explanation = normaliser.withPath(outcome, of: bytes[head.path]) { path in
            let text = String(decoding: path, as: UTF8.self)
            guard let tenant = tenant(of: bytes[head.host]) else {
                return Explanation(path: text)
            }
            let request = RequestFacts(head, bytes, path: path, address: question.address, scratch: ByteStage())
            var allow: String?
            if case .methodNotAllowed(let allowed) = tenant.directory.lookup(request) { allow = allowed.header }
            var explanation = Explanation(
                path: text,
                candidates: tenant.directory.explain(request).map { .init(route: $0.route, verdict: $0.verdict) },
                allow: allow
            )
            if let best = explanation.candidates.first, best.verdict == .selected {
                let query = head.query.map { bytes[$0] }
                explanation.take(best.route, .init(path: path, query: query, host: request.host))
                explanation.zoneSpreads = tenant.zoneSpreads(of: best.route, in: question.zone)
                explanation.framing = head.framing
                explanation.upgrade = best.route.upgrades?.choose(head, bytes).map {
                    String(decoding: $0, as: UTF8.self)
                }
            }
            return explanation
        }
        guard let explanation else { throw .badPath }
        if normaliser.hasEncodedSlashes {
            guard let best = explanation.candidates.first, best.verdict == .selected, best.route.takesEncodedSlashes
            else { throw .forbiddenEncodedCharacter }
        }
        return explanation
    }
}

extension GatewayConfiguration.Explanation {
    /// What the route makes of the request.
    fileprivate mutating func take(_ route: GatewayRoute, _ values: TextExpansion.Values) {
        let stage = ByteStage()
        answerStatus = route.answer?.status
        if let expansion = route.answer?.location {
            let range = stage.write(atMost: expansion.sizeBound(values)) { expansion.write(values, to: &$0) }
            location = String(decoding: stage.bytes[range], as: UTF8.self)
        }
        forwardedPath = route.rewrite?.path(for: values.path, host: values.host, in: stage).map {
            String(decoding: $0, as: UTF8.self)
        }
        forwardedHost = route.rewrite?.host.map { String(decoding: $0, as: UTF8.self) }
    }
}

extension TenantConfiguration {
    fileprivate func zoneSpreads(of route: GatewayRoute, in zone: String?) -> [String: ZoneSpread] {
        route.backends.reduce(into: [:]) { $0[$1.cluster.name] = clusters[$1.cluster.name]?.zoneSpread(in: zone) }
    }
}

extension GatewayConfiguration.Question {
    /// The request's head as a client would send it.
    ///
    /// - Throws: where a text would not stay in its place.
    fileprivate func head() throws(HTTPFault) -> [UInt8] {
        func isLine(_ text: String) -> Bool { !text.utf8.contains(where: ASCII.isControl) }
        guard isLine(method) else { throw .badMethod }
        guard isLine(target) else { throw .badTarget }
        guard isLine(host) else { throw .badHost }
        var text = "\(method) \(target) HTTP/1.1\r\nHost: \(host)\r\n"
        for (name, value) in fields {
            guard isLine(name) else { throw .badFieldName }
            guard isLine(value) else { throw .controlInValue }
            text += "\(name): \(value)\r\n"
        }
        return Array((text + "\r\n").utf8)
    }
}
