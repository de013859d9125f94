// SPDX-License-Identifier: Apache-2.0

/// The requests whose cost is held.
enum CoreCase: String, CaseIterable {
    /// A GET under no policy.
    case plain
    /// The same with a key among 10,000, a rate limit and a hard quota.
    case policy
    /// The same with a key that is none.
    case refused
    /// Content in three chunks each way, under no policy.
    case chunked
    /// Small requests, each for another one of ten routes.
    case fewRoutes = "10-routes"
    /// The same ten requests, among ten thousand routes.
    case fewOfManyRoutes = "10-of-10000-routes"
    /// Each for another one of ten thousand.
    case manyRoutes = "10000-routes"

    /// What is asked for, one after the other and again.
    var requests: [String] {
        let host = "Host: api.acme.test\r\nUser-Agent: client/1.0\r\nAccept: application/json\r\n"
        return switch self {
        case .plain: ["GET /v1/orders/7?expand=items HTTP/1.1\r\n\(host)\r\n"]
        case .policy: ["GET /v1/keyed/7?expand=items HTTP/1.1\r\n\(host)X-Api-Key: \(Self.key(7))\r\n\r\n"]
        case .refused: ["GET /v1/keyed/7?expand=items HTTP/1.1\r\n\(host)X-Api-Key: \(Self.key(10_007))\r\n\r\n"]
        case .chunked: ["POST /v1/orders HTTP/1.1\r\n\(host)Transfer-Encoding: chunked\r\n\r\n" + Self.chunks]
        case .fewRoutes, .fewOfManyRoutes: RoutePopulation(count: 10).requests
        case .manyRoutes: RoutePopulation(count: 10_000).requests
        }
    }

    /// Routes beside those that the other cases take.
    var routes: RoutePopulation? {
        switch self {
        case .plain, .policy, .refused, .chunked: nil
        case .fewRoutes: RoutePopulation(count: 10)
        case .fewOfManyRoutes, .manyRoutes: RoutePopulation(count: 10_000)
        }
    }

    /// The upstream's, of 94 bytes where it has a length.
    var answer: String {
        let head = "HTTP/1.1 200 OK\r\nServer: upstream\r\nContent-Type: application/json\r\n"
        return switch self {
        case .chunked: head + "Transfer-Encoding: chunked\r\n\r\n" + Self.chunks
        default: head + "Content-Length: 94\r\n\r\n" + String(repeating: "x", count: 94)
        }
    }

    var status: Int { self == .refused ? 401 : 200 }

    static func key(_ number: Int) -> String { "tp_live_\(1_000_000_000 + number)" }

    private static let chunks = "10\r\n0123456789abcdef\r\n8\r\n01234567\r\n1\r\nx\r\n0\r\n\r\n"
}
