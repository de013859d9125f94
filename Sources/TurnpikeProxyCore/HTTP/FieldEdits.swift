// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel

/// Changes to the fields of heads that pass through, made ready.
struct FieldEdits: Sendable {
    /// Of fields that do not pass, in lower case: those to remove, and those that are set anew.
    private let names: [[UInt8]]
    /// The lines of those that are set.
    private let lines: [UInt8]

    /// Nil where nothing is to be changed.
    init?(_ edits: HeaderEdits) {
        guard !edits.isEmpty else { return nil }
        names = (edits.remove + edits.set.map(\.name)).map { Array($0.utf8) }
        lines = edits.set.flatMap { Array("\($0.name): \($0.value)\r\n".utf8) }
    }

    func drops(_ name: UnsafeRawBufferPointer) -> Bool {
        names.contains { known in known.withUnsafeBytes { name.equalsIgnoringCase($0) } }
    }

    func drops(_ lowercaseName: StaticString) -> Bool {
        drops(UnsafeRawBufferPointer(start: lowercaseName.utf8Start, count: lowercaseName.utf8CodeUnitCount))
    }

    /// Bytes that `write` writes.
    var size: Int { lines.count }

    func write(to writer: inout ByteWriter) { lines.withUnsafeBytes { writer.append($0) } }
}
