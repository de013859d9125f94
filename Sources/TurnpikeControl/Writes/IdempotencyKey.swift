// SPDX-License-Identifier: Apache-2.0

import TurnpikeIdentity
import TurnpikeModel
import TurnpikeSnapshot

/// What makes a write safe to repeat: the first of its kind is carried out, each later one is answered like the first
/// for as long as the reply is kept.
public struct IdempotencyKey: Sendable {
    /// How long replies are kept.
    public static let lifetime = Duration.seconds(86_400)

    let id: KeyDigest
    let fingerprint: KeyDigest
    /// What the reply is sealed with. It is not kept.
    let secret: String

    /// - Parameters:
    ///   - key: what the client chose.
    ///   - credential: the client's own, so that nobody else's key is the same, and the stored reply opens to it alone.
    ///   - request: all that tells one request from another: method, target and body.
    public init(_ key: String, credential: String, request: String) {
        id = KeyDigest.sha256(of: "id\n\(credential)\n\(key)")
        fingerprint = KeyDigest.sha256(of: request)
        secret = "\(credential)\n\(key)"
    }
}

extension TurnpikeError {
    static var idempotencyKeyReused: TurnpikeError {
        TurnpikeError(.idempotencyKeyReused, "The idempotency key was used for another request.")
    }
}

// MARK: - What is kept

extension CommitReceipt {
    /// What is to be kept of the receipt beside the log.
    func reply(to key: IdempotencyKey, at now: Timestamp) -> StoredReply {
        let secrets = secrets.map { key, secret -> JSON in
            var object = key.json
            object["secret"] = .string(secret)
            return .object(object)
        }
        let rest = JSON.object(
            JSONObject([
                "unchanged": .integer(Int64(unchanged)), "subject": subject.map { .object($0.key.json) },
                "secrets": .array(secrets),
                // What changed nothing is in no entry of the log.
                "unchangedSubject": changes.isEmpty ? subject?.document(for: .storage) ?? .object(JSONObject()) : nil,
            ]))
        return StoredReply(
            id: key.id, fingerprint: key.fingerprint, at: now, revision: revision,
            sealed: SealedText.seal(rest.text, with: key.secret))
    }

    /// The receipt that was given before.
    ///
    /// - Parameter record: the log's entry of the write; `nil` where it is no longer kept.
    /// - Throws: `idempotencyKeyReused` where the request is another one.
    init(
        replaying reply: StoredReply, _ record: RevisionRecord?, to key: IdempotencyKey
    ) throws(TurnpikeError) {
        guard reply.fingerprint == key.fingerprint else { throw .idempotencyKeyReused }
        let rest: JSON
        do { rest = try JSON.parse(SealedText.open(reply.sealed, with: key.secret)) } catch {
            throw TurnpikeError(.internalError, "The reply cannot be opened.", cause: error)
        }
        let subject = rest["subject"].flatMap(ResourceKey.init(json:))
        if let document = rest["unchangedSubject"] {
            self.init(
                revision: reply.revision, changes: [], secrets: [:], unchanged: Int(rest["unchanged"]?.integer ?? 0),
                subject: try subject.map { key throws(TurnpikeError) in try Resource(stored: document, kind: key.kind)
                },
                isReplay: true)
            return
        }
        guard let record else { throw TurnpikeError(.revisionGone, "The write is no longer in the log.") }
        self.init(
            revision: reply.revision, changes: record.changes, secrets: [:],
            unchanged: Int(rest["unchanged"]?.integer ?? 0),
            subject: subject.flatMap { key in record.changes.first { $0.key == key }?.after }, isReplay: true)
        for entry in rest["secrets"]?.array ?? [] {
            if let key = ResourceKey(json: entry), let secret = entry["secret"]?.string { secrets[key] = secret }
        }
    }
}

extension ResourceKey {
    fileprivate var json: JSONObject {
        JSONObject([
            "kind": .string(kind.rawValue), "tenant": tenant.map { .string($0) }, "name": .string(name),
        ])
    }

    fileprivate init?(json: JSON) {
        guard let kind = json["kind"]?.string.flatMap(Kind.init(rawValue:)), let name = json["name"]?.string else {
            return nil
        }
        self.init(kind, tenant: json["tenant"]?.string, name: name)
    }
}
