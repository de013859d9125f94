// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import NIOCore
import TurnpikeModel

extension Response {
    static func json(_ json: JSON, status: HTTPResponse.Status = .ok, headers: HTTPFields = [:]) -> Response {
        Response.json(text: json.bytes(.pretty), status: status, headers: headers)
    }

    /// - Parameter text: JSON already.
    static func json(text: [UInt8], status: HTTPResponse.Status = .ok, headers: HTTPFields = [:]) -> Response {
        var headers = headers
        headers[.contentType] = "application/json"
        return Response(status: status, headers: headers, body: .init(byteBuffer: ByteBuffer(bytes: text)))
    }

    /// A page of a list, with the next page's path in the body and as a link (RFC 8288).
    static func list(_ data: [JSON], next: String?, fields: KeyValuePairs<String, JSON?> = [:]) -> Response {
        var body = JSONObject(fields)
        body["data"] = .array(data)
        body["next"] = next.map { .string($0) } ?? .null
        return .json(.object(body), headers: next.map { [.link: "<\($0)>; rel=\"next\""] } ?? [:])
    }
}
