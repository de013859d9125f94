// SPDX-License-Identifier: Apache-2.0

/// How the requests of a service are spread over its endpoints.
public struct LoadBalancing: Sendable, Hashable {
    public enum Algorithm: String, Sendable, CaseIterable {
        /// In turns, by weight.
        case roundRobin
        /// Of two endpoints drawn by weight, the one with fewer requests in flight.
        case leastRequest
        /// The endpoint follows from a part of the request, and stays the same for most when endpoints come or go.
        case maglev
    }

    /// The part of a request by which an endpoint is found.
    public enum HashInput: Sendable, Hashable {
        /// A header field, by name.
        case header(String)
        /// A cookie, by name.
        case cookie(String)
        /// The client's address.
        case address
    }

    /// That gateways prefer endpoints of their own zone. One that is in none, or in one where the service has no endpoint,
    /// prefers nothing.
    public struct LocalityAwareness: Sendable, Hashable {
        /// Of the zone's endpoints, by weight, how many have to be healthy for all requests to stay there, in percent, 1 to
        /// 100. Where it is fewer, as large a part of the requests stays as it is of these; the rest goes elsewhere. Default 50.
        public var minHealthyPercent: Int

        public init(minHealthyPercent: Int = 50) { self.minHealthyPercent = minHealthyPercent }
    }

    /// Default: `roundRobin`.
    public var algorithm: Algorithm
    /// For `maglev`, and only for that. A request without it goes by turns.
    public var hashOn: HashInput?
    /// How long an endpoint that is new, or back after it was out, takes to come to its full weight: it begins with a tenth,
    /// and more with every moment. 1 s to 1 h. Not for `maglev`. Absent: at once.
    public var slowStart: Duration?
    /// Absent: zones do not matter.
    public var localityAwareness: LocalityAwareness?

    public init(
        algorithm: Algorithm, hashOn: HashInput? = nil, slowStart: Duration? = nil,
        localityAwareness: LocalityAwareness? = nil
    ) {
        self.algorithm = algorithm
        self.hashOn = hashOn
        self.slowStart = slowStart
        self.localityAwareness = localityAwareness
    }

    public init(reading fields: inout FieldReader) {
        algorithm = fields.choice("algorithm", default: .roundRobin)
        hashOn = fields.hashInput("hashOn")
        slowStart = fields.optionalDuration("slowStart", in: .seconds(1) ... .seconds(3600))
        localityAwareness = fields.object("localityAwareness") {
            LocalityAwareness(minHealthyPercent: Int($0.integer("minHealthyPercent", in: 1...100, default: 50)))
        }
        switch algorithm {
        case .maglev:
            if hashOn == nil { fields.report("hashOn", .required, "'hashOn' is required for 'maglev'.") }
            if slowStart != nil { fields.report("slowStart", .choice, "'slowStart' does not go with 'maglev'.") }
        case .roundRobin, .leastRequest:
            if hashOn != nil { fields.report("hashOn", .choice, "'hashOn' goes with 'maglev' only.") }
        }
    }

    public func write(to fields: inout FieldWriter) {
        fields.write("algorithm", algorithm)
        fields.write("hashOn", hashOn?.json)
        if let slowStart { fields.write("slowStart", slowStart) }
        if let localityAwareness {
            fields.write("localityAwareness") {
                $0.write("minHealthyPercent", Int64(localityAwareness.minHealthyPercent))
            }
        }
    }
}

extension LoadBalancing.HashInput {
    fileprivate var json: JSON {
        switch self {
        case .header(let name): ["header": .string(name)]
        case .cookie(let name): ["cookie": .string(name)]
        case .address: "address"
        }
    }
}

extension FieldReader {
    /// `{"header": …}`, `{"cookie": …}` or `"address"`. `nil` where the field is absent.
    fileprivate mutating func hashInput(_ name: String) -> LoadBalancing.HashInput? {
        guard let value = take(name) else { return nil }
        if value.string == "address" { return .address }
        guard value.object != nil else {
            report(name, .choice, "'\(name)' must be {\"header\": …}, {\"cookie\": …} or \"address\".")
            return .address
        }
        return object(name) { input in
            let kinds = ["header", "cookie"].filter { input.has($0) }
            guard let kind = kinds.first, kinds.count == 1 else {
                input.ignore("header", "cookie")
                input.report([Fault(input.pointer, .choice, "Must name one 'header' or one 'cookie'.")])
                return .address
            }
            let token = input.string(kind, length: 1...256)
            if !token.isEmpty, !token.utf8.allSatisfy(Self.isTokenByte) {
                input.report(kind, .format, "'\(kind)' must be a token (RFC 9110, section 5.6.2).")
            }
            return kind == "header" ? .header(token) : .cookie(token)
        }
    }

    private static func isTokenByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
        }
    }
}
