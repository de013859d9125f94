// SPDX-License-Identifier: Apache-2.0

/// One header field as offsets into the bytes of its head.
public struct Field: Sendable, Hashable, BitwiseCopyable {
    public let name: ByteRange
    /// Without the whitespace around it (RFC 9112 §5).
    public let value: ByteRange
    public let known: KnownField
}

/// The header fields of one head, in their order.
///
/// The storage stays when a table is cleared, so that a connection allocates it once and not once a request.
public struct FieldTable: Sendable {
    private var fields = RefilledList<Field>(capacity: 32)
    /// Which known fields are there: most questions end here.
    public private(set) var present: KnownFieldSet = []
    /// Offset of the first field line.
    public internal(set) var start = 0
    /// Offset behind the last field line, where the empty line begins.
    public internal(set) var end = 0

    public init() {}

    public var count: Int { fields.count }

    public subscript(index: Int) -> Field { fields[index] }

    mutating func append(_ field: Field) {
        fields.append(field)
        present.formUnion(KnownFieldSet(field.known))
    }

    mutating func removeAll() {
        fields.removeAll()
        present = []
        start = 0
        end = 0
    }

    /// The first field of this kind, or nil.
    public func first(_ known: KnownField) -> Field? {
        guard present.has(known) else { return nil }
        for index in fields.indices where fields[index].known == known { return fields[index] }
        return nil
    }

    /// How many fields of this kind there are.
    public func count(of known: KnownField) -> Int {
        guard present.has(known) else { return 0 }
        var count = 0
        for index in fields.indices where fields[index].known == known { count += 1 }
        return count
    }

    /// The first field of this name, which need not be a known one; `name` in any case.
    public func first(named name: UnsafeRawBufferPointer, in bytes: UnsafeRawBufferPointer) -> Field? {
        for field in self where bytes[field.name].equalsIgnoringCase(name) { return field }
        return nil
    }

    /// The first field of this name, which need not be a known one; `lowercaseName` in lower case.
    public func first(named lowercaseName: StaticString, in bytes: UnsafeRawBufferPointer) -> Field? {
        for field in self where bytes[field.name].equalsIgnoringCase(lowercaseName) { return field }
        return nil
    }
}

extension FieldTable: Sequence {
    public func makeIterator() -> IndexingIterator<ArraySlice<Field>> { fields.elements.makeIterator() }
}
