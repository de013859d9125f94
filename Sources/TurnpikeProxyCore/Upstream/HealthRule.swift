// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel

/// How endpoints of a service are asked how they are. Times in nanoseconds.
struct HealthRule: Sendable, Hashable {
    let check: HealthCheck
    let interval: UInt64
    let timeout: UInt64

    init(_ check: HealthCheck) {
        self.check = check
        interval = UInt64(max(check.interval.inNanoseconds, 1_000_000))
        timeout = UInt64(max(check.timeout.inNanoseconds, 1_000_000))
    }

    /// Where to ask.
    func address(of endpoint: EndpointAddress) -> EndpointAddress {
        var address = endpoint
        if let port = check.port { address.port = port }
        switch check.question {
        case .http: break
        case .grpc: address.wire.speaksHTTP2 = true
        // Being connected says it, whatever would be spoken then.
        case .tcp: address.wire = .plain
        }
        return address
    }

    /// What to say once connected, as HTTP/1.1 whatever the wire; nothing where being connected is the answer.
    func request(to endpoint: EndpointAddress) -> [UInt8] {
        let authority = address(of: endpoint).authority
        switch check.question {
        case .http(let http):
            return Array(
                "GET \(http.path) HTTP/1.1\r\nHost: \(http.host ?? authority)\r\nUser-Agent: turnpike-health\r\nAccept: */*\r\nConnection: close\r\n\r\n"
                    .utf8)
        case .grpc(let grpc):
            let message = GRPCHealthMessage.request(service: grpc.service)
            // In chunks, since these leave no trace in HTTP/2, where gRPC has no use for a length.
            return Array(
                "POST \(GRPCHealthMessage.path) HTTP/1.1\r\nHost: \(authority)\r\nGrpc-Timeout: \(timeout / 1_000_000)m\r\nContent-Type: application/grpc\r\nUser-Agent: turnpike-health\r\nTransfer-Encoding: chunked\r\n\r\n\(String(message.count, radix: 16))\r\n"
                    .utf8) + message + Array("\r\n0\r\n\r\n".utf8)
        case .tcp: return []
        }
    }

    /// What reads the answer; nil where being connected is all of it.
    func answer() -> (any HealthAnswer)? {
        switch check.question {
        case .http(let http): HTTPHealthAnswer(good: http.statuses)
        case .grpc: GRPCHealthAnswer()
        case .tcp: nil
        }
    }
}

/// What the answers of an endpoint have taught of it.
struct HealthState: Sendable, Hashable {
    enum Standing: Sendable { case unknown, healthy, unhealthy }

    private(set) var standing = Standing.unknown
    /// It came to a service that was served already, and gets nothing before its first answer.
    private let waits: Bool
    /// Answers in a row that speak against the standing.
    private var contrary = 0
    /// Nanoseconds. When it became fit the last time; 0 where it always was.
    private(set) var returnedAt: UInt64 = 0

    init(waits: Bool = false) { self.waits = waits }

    /// Whether it is to get requests.
    var isFit: Bool { standing == .healthy || standing == .unknown && !waits }

    /// Takes note of an answer.
    ///
    /// - Returns: whether the standing is another now.
    mutating func note(isGood: Bool, by check: HealthCheck, now: UInt64) -> Bool {
        let threshold: Int
        switch standing {
        case .unknown: threshold = 1
        case .healthy: threshold = isGood ? .max : check.unhealthyAfter
        case .unhealthy: threshold = isGood ? check.healthyAfter : .max
        }
        contrary = threshold == .max ? 0 : contrary + 1
        guard threshold < .max, contrary >= threshold else { return false }
        if isGood, !isFit { returnedAt = now }
        standing = isGood ? .healthy : .unhealthy
        contrary = 0
        return true
    }
}
