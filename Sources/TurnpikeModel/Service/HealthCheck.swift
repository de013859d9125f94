// SPDX-License-Identifier: Apache-2.0

/// How a gateway finds out, by asking, which endpoints of a service are fit for requests. Each event loop of each gateway asks
/// by itself, and never counts its questions as traffic.
///
/// The first answer of an endpoint decides; from then on as many alike in a row as the thresholds say. An endpoint that is
/// unhealthy gets no requests, unless all are.
public struct HealthCheck: Sendable, Hashable {
    /// What is asked, and which answer is good.
    public enum Question: Sendable, Hashable {
        /// A `GET`, by the service's protocol.
        case http(HTTP)
        /// `grpc.health.v1.Health/Check`, gRPC's own health protocol, over HTTP/2 whatever the service's protocol is.
        case grpc(GRPC)
        /// Whether a connection can be made.
        case tcp
    }

    public struct HTTP: Sendable, Hashable {
        /// Path, and query where there is one, as it is sent. 1 to 2,048 characters.
        public var path: String
        /// The `Host` field. Absent: the endpoint's own host and port.
        public var host: String?
        /// Which statuses are good, 1 to 16. Empty: any 2xx.
        public var statuses: [Status]

        public init(path: String, host: String? = nil, statuses: [Status] = []) {
            self.path = path
            self.host = host
            self.statuses = statuses
        }
    }

    public struct GRPC: Sendable, Hashable {
        /// The service that is asked after, 1 to 256 characters. Absent: the server as a whole.
        public var service: String?

        public init(service: String? = nil) { self.service = service }
    }

    /// A status, or a hundred of them.
    public enum Status: Sendable, Hashable {
        /// 200 to 599.
        case code(Int)
        /// 2 to 5.
        case hundred(Int)
    }

    public var question: Question
    /// Where to ask. 1 to 65,535. Absent: the endpoint's own port.
    public var port: Int?
    /// From one question to the next, give or take a tenth, so that they spread. 1 s to 1 h. Default 10 s.
    public var interval: Duration
    /// For connecting and the answer together. 10 ms to 60 s, and no longer than `interval`. Default 1 s.
    public var timeout: Duration
    /// Good answers in a row that make an endpoint healthy again, 1 to 10. Default 2.
    public var healthyAfter: Int
    /// Bad ones in a row that make it unhealthy, 1 to 10. Default 3.
    public var unhealthyAfter: Int

    public init(
        _ question: Question, port: Int? = nil, interval: Duration = .seconds(10), timeout: Duration = .seconds(1),
        healthyAfter: Int = 2, unhealthyAfter: Int = 3
    ) {
        self.question = question
        self.port = port
        self.interval = interval
        self.timeout = timeout
        self.healthyAfter = healthyAfter
        self.unhealthyAfter = unhealthyAfter
    }

    public init(reading fields: inout FieldReader) {
        let asked = ["http", "grpc", "tcp"].filter { fields.has($0) }
        if asked.isEmpty { fields.report([Fault(fields.pointer, .required, "Needs 'http', 'grpc' or 'tcp'.")]) }
        if asked.count > 1 {
            fields.report([Fault(fields.pointer, .conflict, "Takes one of 'http', 'grpc' and 'tcp'.")])
        }
        let http = fields.object("http") { HTTP(reading: &$0) }
        let grpc = fields.object("grpc") { GRPC(service: $0.optionalString("service", length: 1...256)) }
        fields.object("tcp") { _ in }
        question = http.map { .http($0) } ?? grpc.map { .grpc($0) } ?? .tcp
        port = fields.optionalInteger("port", in: 1...65535).map { Int($0) }
        interval = fields.duration("interval", in: .seconds(1) ... .seconds(3600), default: .seconds(10))
        timeout = fields.duration("timeout", in: .milliseconds(10) ... .seconds(60), default: .seconds(1))
        healthyAfter = Int(fields.integer("healthyAfter", in: 1...10, default: 2))
        unhealthyAfter = Int(fields.integer("unhealthyAfter", in: 1...10, default: 3))
        if timeout > interval {
            fields.report("timeout", .range, "'timeout' must not be longer than 'interval'.")
        }
    }

    public func write(to fields: inout FieldWriter) {
        switch question {
        case .http(let http): fields.write("http") { http.write(to: &$0) }
        case .grpc(let grpc): fields.write("grpc") { $0.write("service", grpc.service) }
        case .tcp: fields.write("tcp") { _ in }
        }
        if let port { fields.write("port", Int64(port)) }
        fields.write("interval", interval)
        fields.write("timeout", timeout)
        fields.write("healthyAfter", Int64(healthyAfter))
        fields.write("unhealthyAfter", Int64(unhealthyAfter))
    }
}

extension HealthCheck.HTTP {
    fileprivate init(reading fields: inout FieldReader) {
        path = fields.string("path", length: 1...2048)
        if !path.isEmpty, path.utf8.first != 0x2F || !path.utf8.allSatisfy({ (0x21...0x7E).contains($0) && $0 != 0x23 })
        {
            fields.report("path", .format, "'path' must begin with '/' and hold visible ASCII only, without '#'.")
        }
        host = fields.optionalString("host", length: 1...259)
        if let host, !host.isEmpty, !Host.isAuthority(host) {
            fields.report("host", .format, "'\(host)' must be a host in lower case, with or without a port.")
        }
        statuses = fields.strings("statuses", count: 0...16) {
            HealthCheck.Status($0) == nil ? "'\($0)' must be '2xx' to '5xx' or a status from 200 to 599." : nil
        }.compactMap { HealthCheck.Status($0) }
    }

    fileprivate func write(to fields: inout FieldWriter) {
        fields.write("path", path)
        fields.write("host", host)
        if !statuses.isEmpty { fields.write("statuses", statuses.map(\.text)) }
    }
}

extension HealthCheck.Status {
    public init?(_ text: String) {
        guard text.utf8.count == 3 else { return nil }
        if text.hasSuffix("xx"), let hundred = Int(text.prefix(1)), (2...5).contains(hundred) {
            self = .hundred(hundred)
        } else if let code = Int(text), (200...599).contains(code) {
            self = .code(code)
        } else {
            return nil
        }
    }

    public var text: String {
        switch self {
        case .code(let code): "\(code)"
        case .hundred(let hundred): "\(hundred)xx"
        }
    }

    public func contains(_ status: Int) -> Bool {
        switch self {
        case .code(let code): status == code
        case .hundred(let hundred): status / 100 == hundred
        }
    }
}
