// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import TurnpikeModel

/// One request and its whole answer.
struct Exchange: Sendable {
    var status: Int
    var headers: HTTPHeaders
    var text: String

    /// The answer as JSON; `null` where it is none.
    var json: JSON { (try? JSON.parse(text)) ?? .null }

    static func send(
        _ method: HTTPMethod, _ url: String, headers: [(String, String)] = [], body: JSON? = nil,
        by client: HTTPClient = .shared
    ) async throws -> Exchange {
        var request = HTTPClientRequest(url: url)
        request.method = method
        for (name, value) in headers { request.headers.add(name: name, value: value) }
        if let body {
            request.headers.add(name: "Content-Type", value: "application/json")
            request.body = .bytes(ByteBuffer(bytes: body.utf8))
        }
        let answer = try await client.execute(request, timeout: .seconds(60))
        let bytes = try await answer.body.collect(upTo: 64 << 20)
        return Exchange(status: Int(answer.status.code), headers: answer.headers, text: String(buffer: bytes))
    }
}
