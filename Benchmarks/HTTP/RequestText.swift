// SPDX-License-Identifier: Apache-2.0

import NIOCore
import TurnpikeModel

/// Requests as bytes, ready to be sent.
enum RequestText {
    static func make(
        _ method: String, _ target: String, token: String? = nil, host: String = "localhost",
        idempotencyKey: String? = nil, body: JSON? = nil
    ) -> ByteBuffer {
        make(method, target, token: token, host: host, idempotencyKey: idempotencyKey, bytes: body?.utf8)
    }

    static func make(
        _ method: String, _ target: String, token: String?, host: String = "localhost", idempotencyKey: String? = nil,
        bytes: [UInt8]?
    ) -> ByteBuffer {
        var head = "\(method) \(target) HTTP/1.1\r\nHost: \(host)\r\n"
        if let token { head += "Authorization: Bearer \(token)\r\n" }
        if let idempotencyKey { head += "Idempotency-Key: \(idempotencyKey)\r\n" }
        if let bytes { head += "Content-Type: application/json\r\nContent-Length: \(bytes.count)\r\n" }
        var request = ByteBuffer(string: head + "\r\n")
        if let bytes { request.writeBytes(bytes) }
        return request
    }
}
