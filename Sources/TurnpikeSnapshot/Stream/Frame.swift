// SPDX-License-Identifier: Apache-2.0

public import TurnpikeModel

/// One line of a worker's stream (NDJSON). The last-good file on a worker's disk is made of the same lines.
public enum Frame: Sendable, Hashable {
    /// A delta begins; what follows up to `commit` is applied together.
    case begin(isSnapshot: Bool)
    case set(CompiledResource)
    case remove(CompiledName)
    /// The delta is complete and leads to this revision.
    case commit(Revision)
    /// The control plane is there and nothing newer than this revision waits. Sent every `heartbeatInterval`.
    case heartbeat(Revision)
    /// A question that the worker answers beside the stream. Sent only to workers that can (``Capability/probe``).
    case probe(Probe)
    /// The worker's identity is no longer good; the stream ends.
    case revoked

    /// A stream silent for three intervals is dead.
    public static let heartbeatInterval = Duration.seconds(5)
    /// The longest line, newline included, in bytes.
    public static let maximumBytes = 1 << 20

    public var json: JSON {
        switch self {
        case .begin(let isSnapshot): ["frame": "begin", "snapshot": .bool(isSnapshot)]
        case .set(let resource): ["frame": "set", "resource": resource.json]
        case .remove(let name): ["frame": "remove", "name": .string(name.description)]
        case .commit(let revision): ["frame": "commit", "revision": .integer(revision)]
        case .heartbeat(let revision): ["frame": "heartbeat", "revision": .integer(revision)]
        case .probe(let probe): probe.json
        case .revoked: ["frame": "revoked"]
        }
    }

    /// The frame as a line, newline included.
    public var line: [UInt8] { json.utf8 + [0x0A] }

    private enum Name: String, CaseIterable { case begin, set, remove, commit, heartbeat, probe, revoked }

    /// - Parameter line: one line with or without its newline.
    /// - Throws: `invalidJSON` or `invalidResource`.
    public init(line: some Sequence<UInt8>) throws(TurnpikeError) {
        let json: JSON
        do { json = try JSON.parse(line) } catch {
            throw TurnpikeError(.invalidJSON, "A frame is not JSON: \(error).")
        }
        var fields = FieldReader(json, source: .storage)
        switch fields.choice("frame", Name.self) {
        case .begin: self = .begin(isSnapshot: fields.bool("snapshot"))
        case .set:
            let resource = fields.object("resource") { CompiledResource(reading: &$0) }
            if resource == nil { fields.report("resource", .required, "'resource' is required.") }
            self = resource.map { .set($0) } ?? .revoked
        case .remove:
            let text = fields.string("name")
            let name = CompiledName(text)
            if name == nil { fields.report("name", .format, "'\(text)' is no compiled resource's name.") }
            self = name.map { .remove($0) } ?? .revoked
        case .commit: self = .commit(fields.integer("revision", in: 0...Int64.max))
        case .heartbeat: self = .heartbeat(fields.integer("revision", in: 0...Int64.max))
        case .probe: self = .probe(Probe(reading: &fields))
        case .revoked: self = .revoked
        }
        fields.finish()
        guard fields.faults.isEmpty else { throw .invalid(fields.faults) }
    }
}
