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

    public var json: JSON { .object(FieldWriter.object(for: .storage) { write(to: &$0) }) }

    /// The frame as a line, newline included.
    public var line: [UInt8] {
        var line = FieldWriter.text(for: .storage) { write(to: &$0) }
        line.append(0x0A)
        return line
    }

    private func write(to fields: inout FieldWriter) {
        fields.write("frame", name)
        switch self {
        case .begin(let isSnapshot): fields.write("snapshot", isSnapshot)
        case .set(let resource): fields.write("resource") { resource.write(to: &$0) }
        case .remove(let name): fields.write("name", name.description)
        case .commit(let revision), .heartbeat(let revision): fields.write("revision", revision)
        case .probe(let probe): probe.write(to: &fields)
        case .revoked: break
        }
    }

    private enum Name: String, CaseIterable { case begin, set, remove, commit, heartbeat, probe, revoked }

    private var name: Name {
        switch self {
        case .begin: .begin
        case .set: .set
        case .remove: .remove
        case .commit: .commit
        case .heartbeat: .heartbeat
        case .probe: .probe
        case .revoked: .revoked
        }
    }

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
