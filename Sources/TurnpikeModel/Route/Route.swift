// SPDX-License-Identifier: Apache-2.0

/// The way from a request to an answer: what it matches, who may use it, and where it goes or how it is answered.
public struct Route: ResourceSpec {
    public static let kind = Kind.route
    public static let plural = "routes"
    public static let idPrefix = "rte"

    /// What a route may say for `maxContentBytes`.
    public static let contentBytes: ClosedRange<Int64> = 0...1_000_000_000_000_000

    public struct Backend: Sendable, Hashable {
        /// Name of a service of the same tenant.
        public var service: String
        /// Share of the requests relative to the other backends, 0 to 1000. Default 100.
        public var weight: Int
    }

    /// A way to prove who asks.
    public enum AuthMethod: String, Sendable, CaseIterable { case apiKey }

    public var match: RouteMatch
    /// Of two routes that match, the higher priority wins, before any other rule. −1000 to 1000, default 0.
    public var priority: Int
    /// Ways to authenticate of which any is enough. Empty: the route is open to everybody.
    public var authentication: [AuthMethod]
    /// Bytes of content that a request may have, 0 to 10¹⁵. Nil: as many as gateways take.
    public var maxContentBytes: Int64?
    /// 1 to 16 backends that share the requests; none where the route redirects or responds.
    public var backends: [Backend]
    /// Which requests go to the same backend each time. Nil: each is shared out by weight.
    public var stickiness: Stickiness?
    /// Sends the client elsewhere, in place of forwarding.
    public var redirect: Redirect?
    /// Answers at once, in place of forwarding.
    public var respond: DirectResponse?
    /// Of what is forwarded.
    public var rewrite: Rewrite?
    /// Up to 4 services that get copies of requests that are forwarded.
    public var mirrors: [Mirror]
    /// Protocols to which connections may switch. Nil: none, and requests that ask for one are forwarded without the wish.
    public var upgrades: Upgrades?
    /// Of what is forwarded.
    public var requestHeaders: HeaderEdits
    /// Of what the client gets, from a service or by the route itself; not of refusals.
    public var responseHeaders: HeaderEdits

    public init(reading fields: inout FieldReader) {
        match = fields.object("match") { RouteMatch(reading: &$0) } ?? { fields.missingMatch() }()
        priority = Int(fields.integer("priority", in: -1000...1000, default: 0))
        authentication = fields.object("auth") { $0.authMethods() } ?? []
        maxContentBytes = fields.optionalInteger("maxContentBytes", in: Self.contentBytes)
        backends = fields.backends()
        stickiness = fields.object("stickiness") { Stickiness(reading: &$0) }
        let paths = match.paths
        redirect = fields.object("redirect") { Redirect(reading: &$0, paths: paths) }
        respond = fields.object("respond") { DirectResponse(reading: &$0) }
        rewrite = fields.object("rewrite") { Rewrite(reading: &$0, paths: paths) }
        mirrors = fields.mirrors()
        upgrades = fields.object("upgrades") { Upgrades(reading: &$0) }
        let edits = fields.object("headers") { headers in
            (
                headers.object("request") { HeaderEdits(reading: &$0) },
                headers.object("response") { HeaderEdits(reading: &$0) }
            )
        }
        requestHeaders = edits?.0 ?? HeaderEdits()
        responseHeaders = edits?.1 ?? HeaderEdits()
        checkAction(&fields)
    }

    /// A route does one thing with its requests.
    private func checkAction(_ fields: inout FieldReader) {
        let actions = ["backends", "redirect", "respond"].filter { fields.has($0) }
        if actions.count != 1 {
            fields.report([
                Fault(
                    fields.pointer, actions.isEmpty ? .choice : .conflict,
                    "A route needs exactly one of 'backends', 'redirect' and 'respond'.")
            ])
        }
        if !requestHeaders.isEmpty, !fields.has("backends") {
            let place = fields.pointer.appending("headers").appending("request")
            fields.report([
                Fault(place, .conflict, "'request' is about what is forwarded, and the route has no 'backends'.")
            ])
        }
        for name in ["rewrite", "stickiness", "mirror", "upgrades"] where fields.has(name) && !fields.has("backends") {
            fields.report(name, .conflict, "'\(name)' is about what is forwarded, and the route has no 'backends'.")
        }
    }

    public func write(to fields: inout FieldWriter) {
        fields.write("match", match.json)
        fields.write("priority", Int64(priority))
        if !authentication.isEmpty {
            let methods = authentication.map { JSON.object(JSONObject([$0.rawValue: .object(JSONObject())])) }
            fields.write("auth", ["anyOf": .array(methods)])
        }
        if let maxContentBytes { fields.write("maxContentBytes", maxContentBytes) }
        if !backends.isEmpty {
            fields.write(
                "backends",
                .array(backends.map { ["service": .string($0.service), "weight": .integer(Int64($0.weight))] }))
        }
        fields.write("stickiness", stickiness?.json)
        fields.write("redirect", redirect?.json)
        fields.write("respond", respond?.json)
        fields.write("rewrite", rewrite?.json)
        if !mirrors.isEmpty { fields.write("mirror", .array(mirrors.map(\.json))) }
        fields.write("upgrades", upgrades?.json)
        if !requestHeaders.isEmpty || !responseHeaders.isEmpty {
            let edits = JSONObject([
                "request": requestHeaders.isEmpty ? nil : requestHeaders.json,
                "response": responseHeaders.isEmpty ? nil : responseHeaders.json,
            ])
            fields.write("headers", .object(edits))
        }
    }

    public var references: [Reference] {
        references(backends.map(\.service), in: "backends") + references(mirrors.map(\.service), in: "mirror")
    }

    private func references(_ services: [String], in list: String) -> [Reference] {
        services.enumerated().map { index, service in
            Reference(.service, service, at: JSONPointer().appending(list).appending(index).appending("service"))
        }
    }
}

extension FieldReader {
    fileprivate mutating func authMethods() -> [Route.AuthMethod] {
        list("anyOf", count: 1...8) { method in
            let known = Route.AuthMethod.allCases.filter { method.has($0.rawValue) }
            if known.count != 1 {
                method.report([Fault(method.pointer, .choice, "Must name one way to authenticate: 'apiKey'.")])
            }
            for way in known { _ = method.object(way.rawValue) { _ in } }
            return known.first ?? .apiKey
        }
    }

    /// None where the field is absent: the route may do something else.
    fileprivate mutating func backends() -> [Route.Backend] {
        guard has("backends") else {
            ignore("backends")
            return []
        }
        return list("backends", count: 1...16) { backend in
            Route.Backend(
                service: backend.name("service"), weight: Int(backend.integer("weight", in: 0...1000, default: 100)))
        }
    }

    fileprivate mutating func missingMatch() -> RouteMatch {
        report("match", .required, "'match' is required.")
        var empty = FieldReader(.object(JSONObject()), source: source)
        return RouteMatch(reading: &empty)
    }
}
