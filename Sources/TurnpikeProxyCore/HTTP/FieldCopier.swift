// SPDX-License-Identifier: Apache-2.0

/// Copies the field lines of a head to its next hop, leaving some out.
///
/// Neighbours that stay are copied as one block, lines as they came: a head where nothing is dropped is one copy.
struct FieldCopier {
    let bytes: UnsafeRawBufferPointer
    /// Kinds to leave out.
    let dropped: KnownFieldSet
    /// Whether `Connection` names further fields to leave out.
    let nominatesFields: Bool
    /// Names to leave out besides.
    let edits: FieldEdits?

    func copy(_ fields: FieldTable, to writer: inout ByteWriter) {
        var blockStart = fields.start
        for index in 0..<fields.count {
            let field = fields[index]
            guard
                dropped.has(field.known) || (nominatesFields && isNominated(field, in: fields))
                    || edits?.drops(bytes[field.name]) == true
            else { continue }
            let lineStart = field.name.lowerBound
            if lineStart > blockStart { writer.append(bytes[ByteRange(blockStart, lineStart)]) }
            blockStart = index + 1 < fields.count ? fields[index + 1].name.lowerBound : fields.end
        }
        if fields.end > blockStart { writer.append(bytes[ByteRange(blockStart, fields.end)]) }
    }

    /// RFC 9110 §7.6.1. What the message itself rests on is not a sender's to take out on the way: without these
    /// fields the next hop would read another message than we did.
    private func isNominated(_ field: Field, in fields: FieldTable) -> Bool {
        switch field.known {
        case .host, .contentLength, .transferEncoding, .xForwardedFor, .xForwardedProto, .xForwardedHost, .traceparent:
            return false
        default: break
        }
        let name = bytes[field.name]
        for index in 0..<fields.count where fields[index].known == .connection {
            for option in ListElements(fields[index].value, in: bytes) where option.equalsIgnoringCase(name) {
                return true
            }
        }
        return false
    }
}
