// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel

/// How a route answers where it forwards nothing.
struct GatewayAnswer: Sendable {
    let status: Int
    /// Of a redirect.
    let location: TextExpansion?
    let contentType: [UInt8]
    let body: [UInt8]

    init(_ redirect: Redirect, paths: [PathMatch]) throws(RouteTable.Fault.Reason) {
        status = redirect.status
        location = try TextExpansion(
            redirect.location, paths: paths, variables: Redirect.Variable.allCases
        ) { Array($0.utf8) }
        contentType = []
        body = []
    }

    init(_ response: DirectResponse) {
        status = response.status
        location = nil
        contentType = Array(response.contentType.utf8)
        body = Array(response.body.utf8)
    }

    /// Whether an answer of this status tells a length (RFC 9110 §8.6).
    private var hasLength: Bool { status != 204 && status != 304 }

    /// What differs from one request to the next.
    struct Circumstances {
        let requestID: RequestID
        let keepAlive: Bool
        let clientMinorVersion: UInt8
        /// The request was HEAD: fields as for GET, but no content.
        let answersHead: Bool
        /// The value of `Location`; empty where the answer has none.
        let location: UnsafeRawBufferPointer
        let date: DateField
        let edits: FieldEdits?
        /// For `Turnpike-Debug`.
        let debug: String?
    }

    /// Bytes that `write` writes at most.
    func sizeBound(_ circumstances: Circumstances) -> Int {
        circumstances.location.count + contentType.count + body.count + (circumstances.edits?.size ?? 0)
            + ByteWriter.debugBound(circumstances.debug) + DateField.size + 256
    }

    /// Writes the whole answer.
    func write(_ circumstances: Circumstances, to writer: inout ByteWriter) {
        writer.append("HTTP/1.1 ")
        writer.append(decimal: UInt64(status))
        // RFC 9112 §4: the space stays where there is no phrase.
        writer.append(" \r\n")
        if !body.isEmpty, !circumstances.drops("content-type") {
            contentType.withUnsafeBytes { writer.appendField("Content-Type", $0) }
        }
        if hasLength { writer.appendField("Content-Length", decimal: UInt64(body.count)) }
        if !circumstances.location.isEmpty, !circumstances.drops("location") {
            writer.appendField("Location", circumstances.location)
        }
        if !circumstances.drops("date") { circumstances.date.write(to: &writer) }
        circumstances.edits?.write(to: &writer)
        writer.append("X-Request-Id: ")
        circumstances.requestID.write(to: &writer)
        writer.append("\r\n")
        writer.appendDebug(circumstances.debug)
        writer.appendConnection(
            keepAlive: circumstances.keepAlive, clientMinorVersion: circumstances.clientMinorVersion)
        writer.appendEndOfHead()
        if !circumstances.answersHead { body.withUnsafeBytes { writer.append($0) } }
    }
}

extension GatewayAnswer.Circumstances {
    /// Whether the route takes a field out that the answer would have.
    fileprivate func drops(_ name: StaticString) -> Bool {
        edits?.drops(UnsafeRawBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount)) == true
    }
}
