// SPDX-License-Identifier: Apache-2.0

public import TurnpikeModel

/// What a frame is, and of which resource: enough for whoever passes its line on as it is, and a small part of the work of reading
/// all that it says.
public enum FrameHead: Sendable, Hashable {
    case set(CompiledName)
    case remove(CompiledName)
    case commit(Revision)
    /// Neither changes anything nor ends a delta.
    case other

    /// - Parameter line: one line with or without its newline. Of a resource that is set, it is not looked at what follows the name.
    /// - Throws: as ``Frame/init(line:)``.
    public init(line: ArraySlice<UInt8>) throws(TurnpikeError) {
        if let name = Self.nameSet(by: line) {
            self = .set(name)
            return
        }
        switch try Frame(line: line) {
        case .set(let resource): self = .set(resource.name)
        case .remove(let name): self = .remove(name)
        case .commit(let revision): self = .commit(revision)
        case .begin, .heartbeat, .probe, .revoked: self = .other
        }
    }

    /// By the text that ``Frame/line`` begins with; nil where it begins otherwise, or a name needs an escape.
    private static func nameSet(by line: ArraySlice<UInt8>) -> CompiledName? {
        var rest = line
        guard let type = text(behind: #"{"frame":"set","resource":{"type":""#, of: &rest),
            let type = CompiledResource.ResourceType(rawValue: type),
            let tenant = text(behind: #","tenant":""#, of: &rest), let name = text(behind: #","name":""#, of: &rest)
        else { return nil }
        return CompiledName(type, tenant: tenant, name: name)
    }

    /// What stands between a start and the next quotation mark, which are taken off.
    private static func text(behind start: StaticString, of rest: inout ArraySlice<UInt8>) -> String? {
        let isThere = start.withUTF8Buffer { rest.starts(with: $0) }
        guard isThere else { return nil }
        let begin = rest.startIndex + start.utf8CodeUnitCount
        let stop = rest[begin...].firstIndex { $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: "\\") }
        guard let stop, rest[stop] == UInt8(ascii: "\"") else { return nil }
        defer { rest = rest[(stop + 1)...] }
        return String(validating: rest[begin..<stop], as: UTF8.self)
    }
}
