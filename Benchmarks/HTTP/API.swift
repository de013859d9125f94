// SPDX-License-Identifier: Apache-2.0

import NIOCore
import TurnpikeModel

/// The REST API as one operator's client sees it, on one connection.
struct API: Sendable {
    /// An answer that a benchmark cannot go on with.
    struct Refused: Error, CustomStringConvertible {
        var what: String
        var status: Int
        var text: String

        var description: String { "\(what) was answered \(status): \(text.prefix(2000))" }
    }

    let connection: Connection
    let token: String

    /// - Parameter idempotencyKey: makes the request safe to repeat.
    func send(
        _ method: String, _ target: String, _ body: JSON? = nil, idempotencyKey: String? = nil, keepsBody: Bool = true
    ) async throws -> Answer {
        let request = RequestText.make(method, target, token: token, idempotencyKey: idempotencyKey, body: body)
        return try await connection.exchange(request, keepsBody: keepsBody)
    }

    /// - Returns: the answer's body; `null` where it was not to be kept.
    /// - Throws: `Refused` for any other answer than a 2xx.
    @discardableResult
    func call(_ method: String, _ target: String, _ body: JSON? = nil, keepsBody: Bool = true) async throws -> JSON {
        let answer = try await send(method, target, body, keepsBody: keepsBody)
        let text = String(buffer: answer.body)
        guard (200..<300).contains(answer.status) else {
            throw Refused(what: "\(method) \(target)", status: answer.status, text: text)
        }
        return keepsBody && !text.isEmpty ? try JSON.parse(text) : .null
    }
}
