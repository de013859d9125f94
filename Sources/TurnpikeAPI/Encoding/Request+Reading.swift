// SPDX-License-Identifier: Apache-2.0

import Foundation
import HTTPTypes
import Hummingbird
import NIOCore
import TurnpikeControl
import TurnpikeModel

/// How much of a body an operation takes, in bytes.
enum BodyLimit {
    static let resource = 1 << 20
    static let usage = 16 << 20
    static let bundle = 64 << 20
    /// Reading YAML takes many times its length in memory, and seconds.
    static let yamlBundle = 4 << 20
}

/// A body in a form that the operation does not take; 415, with what it takes (RFC 9110 §15.5.16).
enum UnsupportedBody: Error {
    case type(taken: [String])
    case coding
}

extension Request {
    /// What a PATCH takes: a merge patch, by its own name or as the JSON that it is.
    static let patchTypes = ["application/merge-patch+json", "application/json"]

    /// The body as JSON.
    ///
    /// - Throws: `UnsupportedBody`, `bodyTooLarge`, `invalidJSON`.
    func json(limit: Int, types: [String] = ["application/json"]) async throws -> JSON {
        try require(types)
        return try Self.parsed(try await bytes(limit: limit))
    }

    private static func parsed(_ buffer: ByteBuffer) throws(TurnpikeError) -> JSON {
        do { return try JSON.parse(buffer.readableBytesView) } catch {
            throw TurnpikeError(.invalidJSON, "The body is not valid JSON: \(error).")
        }
    }

    /// Bytes of JSON that are read where they arrive.
    private static let smallBody = 64 << 10

    /// The body as JSON, where it may be YAML too, and large.
    ///
    /// - Throws: `UnsupportedBody`, `bodyTooLarge`, `invalidJSON`, `invalidYAML`.
    func json(limit: Int, yaml: YAMLQueue?, largeWork: LargeWork) async throws -> JSON {
        try require(yaml == nil ? ["application/json"] : ["application/json", "application/yaml"])
        guard let yaml, mediaType == "application/yaml" else {
            let buffer = try await bytes(limit: limit)
            return try await largeWork.run(if: buffer.readableBytes > Self.smallBody) { () throws(TurnpikeError) in
                try Self.parsed(buffer)
            }
        }
        let buffer = try await bytes(limit: min(limit, BodyLimit.yamlBundle))
        guard let text = String(validating: buffer.readableBytesView, as: UTF8.self) else {
            throw TurnpikeError(.invalidYAML, "The body is not UTF-8 text.")
        }
        return try await yaml.read(text)
    }

    /// What `Content-Type` says, without parameters.
    private var mediaType: String? {
        headers[.contentType]?.prefix { $0 != ";" }.trimmed.lowercased()
    }

    private func require(_ types: [String]) throws(UnsupportedBody) {
        guard let mediaType, types.contains(mediaType) else { throw .type(taken: types) }
        // What was packed would be read as if it were not.
        let coding = headers[.contentEncoding]?.trimmed.lowercased() ?? "identity"
        guard coding.isEmpty || coding == "identity" else { throw .coding }
    }

    private func bytes(limit: Int) async throws -> ByteBuffer {
        if let length = headers[.contentLength].flatMap({ Int($0) }), length > limit { throw tooLarge(limit) }
        let buffer: ByteBuffer
        do { buffer = try await body.collect(upTo: limit) } catch is NIOTooManyBytesError { throw tooLarge(limit) }
        guard buffer.readableBytes > 0 else { throw TurnpikeError(.invalidJSON, "The body is empty.") }
        return buffer
    }

    private func tooLarge(_ limit: Int) -> TurnpikeError {
        TurnpikeError(.bodyTooLarge, "The body may have \(limit) bytes at most.")
    }

    /// A query parameter, decoded. Each but `label` stands once at most: the endpoint has seen to it.
    func parameter(_ name: String) -> String? { uri.queryParameters[name[...]].map(String.init) }

    func integer(_ name: String, in range: ClosedRange<Int>, default fallback: Int) throws(TurnpikeError) -> Int {
        guard let text = parameter(name) else { return fallback }
        guard let value = Int(text), range.contains(value) else {
            throw TurnpikeError(
                .invalidParameter, "'\(name)' must be an integer from \(range.lowerBound) to \(range.upperBound).")
        }
        return value
    }

    func flag(_ name: String) throws(TurnpikeError) -> Bool {
        switch parameter(name) {
        case nil, "false", "0": return false
        case "true", "1": return true
        default: throw TurnpikeError(.invalidParameter, "'\(name)' must be true or false.")
        }
    }

    func timestamp(_ name: String) throws(TurnpikeError) -> Timestamp? {
        guard let text = parameter(name) else { return nil }
        // A '+' of an offset arrives as a space where the client did not encode it.
        guard let value = Timestamp(text.replacing(" ", with: "+")) else {
            throw TurnpikeError(.invalidParameter, "'\(name)' must be an RFC 3339 time such as 2026-03-01T12:00:00Z.")
        }
        return value
    }

    /// What `If-Match`, and `If-None-Match: *`, ask of the resource.
    func precondition() throws(TurnpikeError) -> Precondition {
        if let tags = headers[.ifNoneMatch] {
            guard tags.trimmed == "*", headers[.ifMatch] == nil else {
                throw TurnpikeError(
                    .invalidParameter, "With a write, 'If-None-Match' can only be '*', and stands alone.")
            }
            return .absent
        }
        guard let tags = headers[.ifMatch] else { return .none }
        if tags.trimmed == "*" { return .exists }
        // Compared strongly: a weak tag matches nothing (RFC 9110 §13.1.1). Neither does one that is no revision.
        return .revisions(Set(Request.entityTags(tags).filter { !$0.isWeak }.compactMap { Revision($0.opaque) }))
    }

    /// Whether `If-None-Match` names this revision, weakly or not, or any (RFC 9110 §13.1.2).
    ///
    /// - Parameter isStable: whether the document changes with its revision only. What workers and operators are doing
    ///   does not, so that a client which has the revision may still have an old document.
    func hasCurrent(_ revision: Revision, isStable: Bool) -> Bool {
        guard let tags = headers[.ifNoneMatch] else { return false }
        if tags.trimmed == "*" { return true }
        return isStable && Request.entityTags(tags).contains { $0.opaque == "\(revision)" }
    }

    /// Those of a list of tags. One without quotes, as people write it by hand, is taken for the same with them.
    private static func entityTags(_ list: String) -> [(opaque: String, isWeak: Bool)] {
        list.split(separator: ",").map { element in
            let tag = element.trimmed
            let opaque = tag.trimmingPrefix("W/")
            let isQuoted = opaque.utf8.count >= 2 && opaque.hasPrefix("\"") && opaque.hasSuffix("\"")
            return (String(isQuoted ? opaque.dropFirst().dropLast() : opaque), tag.hasPrefix("W/"))
        }
    }

    func revision(_ name: String) throws(TurnpikeError) -> Revision? {
        guard let text = parameter(name) else { return nil }
        guard let revision = Revision(text), (0..<Revision.max).contains(revision) else {
            throw TurnpikeError(.invalidParameter, "'\(name)' must be a revision.")
        }
        return revision
    }

    func kind() throws(TurnpikeError) -> Kind? {
        guard let text = parameter("kind") else { return nil }
        guard let kind = Kind(rawValue: text) ?? Kind(plural: text) else {
            throw TurnpikeError(.invalidParameter, "There is no kind '\(text)'.")
        }
        return kind
    }

    /// What all `label=key:value` parameters name together. Two values of one key, which no resource can have, are refused.
    func labels() throws(TurnpikeError) -> Labels {
        var labels: Labels = [:]
        for (name, text) in uri.queryParameters where name == "label" {
            guard let colon = text.firstIndex(of: ":"), Name.isValid(String(text[..<colon])) else {
                throw TurnpikeError(.invalidParameter, "'label' must be written as key:value; a key \(Name.rule).")
            }
            let (key, value) = (String(text[..<colon]), String(text[text.index(after: colon)...]))
            guard labels.updateValue(value, forKey: key) ?? value == value else {
                throw TurnpikeError(.invalidParameter, "'label' asks for two values of '\(key)'; a resource has one.")
            }
        }
        return labels
    }

    /// Whether `Accept` names a media type outright.
    func accepts(_ type: String) -> Bool {
        headers[.accept]?.split(separator: ",").contains { $0.split(separator: ";").first?.trimmed == type } ?? false
    }

    /// What makes the request safe to repeat, where its client asks for that.
    private func idempotencyKey(_ body: JSON?) throws(TurnpikeError) -> IdempotencyKey? {
        guard let key = headers[.idempotencyKey] else { return nil }
        guard (1...255).contains(key.utf8.count) else {
            throw TurnpikeError(.invalidParameter, "'Idempotency-Key' must have 1 to 255 bytes.")
        }
        return IdempotencyKey(
            key, credential: headers[.authorization] ?? "",
            request: "\(method.rawValue) \(targetOfWrite)\n\(body?.text ?? "")")
    }

    /// Path and query, without how long the client waits: that is no part of what it asks to be done, and it may wait longer for
    /// the same.
    private var targetOfWrite: String {
        let query = (uri.query ?? "").split(separator: "&").filter { parameter in
            !["wait", "timeout"].contains(parameter.prefix { $0 != "=" })
        }
        return query.isEmpty ? uri.path : "\(uri.path)?\(query.joined(separator: "&"))"
    }

    /// - Parameter body: what is to be written; `nil` where the request has none.
    func writeContext(_ context: APIContext, body: JSON?) throws(TurnpikeError) -> WriteContext {
        guard let principal = context.principal else { throw TurnpikeError(.unauthenticated, "Who asks is not known.") }
        let reason = headers[.turnpikeReason] ?? ""
        guard reason.utf8.count <= 512 else {
            throw TurnpikeError(.invalidParameter, "'X-Turnpike-Reason' may have 512 bytes at most.")
        }
        return WriteContext(
            principal: principal, source: context.address, reason: reason, requestID: context.requestID,
            isDryRun: try flag("dryRun"), idempotencyKey: try idempotencyKey(body))
    }
}

extension APIContext {
    func pathParameter(_ name: String) -> String {
        guard let value = parameters.get(name) else { return "" }
        // Most are as they are sent, and Foundation takes its time to find that out.
        guard value.utf8.contains(UInt8(ascii: "%")) else { return value }
        return value.removingPercentEncoding ?? ""
    }

    func revisionParameter() throws(TurnpikeError) -> Revision {
        let text = pathParameter("revision")
        guard let revision = Revision(text), (1..<Revision.max).contains(revision) else {
            throw TurnpikeError(.notFound, "There is no revision '\(text)'.")
        }
        return revision
    }
}

extension StringProtocol {
    /// Without the spaces and tabs around it.
    var trimmed: String {
        func isText(_ byte: UInt8) -> Bool { byte != UInt8(ascii: " ") && byte != UInt8(ascii: "\t") }
        let text = Substring(self)
        guard let first = text.utf8.firstIndex(where: isText), let last = text.utf8.lastIndex(where: isText) else {
            return ""
        }
        return String(text[first..<text.utf8.index(after: last)])
    }
}
