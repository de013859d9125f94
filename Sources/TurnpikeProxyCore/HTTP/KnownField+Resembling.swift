// SPDX-License-Identifier: Apache-2.0

extension KnownField {
    /// Bytes of known names that have dashes in them: at least, and at most.
    private static var shortest: Int { 9 }
    private static var longest: Int { 19 }

    /// What a name that is none of the known ones is taken for by some who read it. Most names fall out by a few comparisons.
    ///
    /// - Parameter name: a token.
    @inline(__always)
    init(resembledBy name: UnsafeRawBufferPointer) {
        self = Self.isSuspect(name) ? Self.resembled(by: name) : .other
    }

    /// False only if there is no underscore in a name as long as known ones are, and it does not begin as `X-Forwarded-` does.
    @inline(__always)
    private static func isSuspect(_ name: UnsafeRawBufferPointer) -> Bool {
        // In bounds: each load begins at 0, or ends at `count`.
        guard let start = name.baseAddress, name.count >= shortest else { return false }
        // Lower case; of all that stands in a token, only an underscore becomes a DEL by this.
        let lower = ByteWords.ones &* 0x20
        let first = start.loadUnaligned(as: UInt64.self) | lower
        let last = start.loadUnaligned(fromByteOffset: name.count - 8, as: UInt64.self) | lower
        // Beyond sixteen bytes the ends do not say all of them.
        return ByteWords.has(ASCII.delete, in: first) || ByteWords.has(ASCII.delete, in: last)
            || first == ByteWords.word("x-forwar") || 17...longest ~= name.count
    }

    @inline(never)
    private static func resembled(by name: UnsafeRawBufferPointer) -> KnownField {
        let prefix: StaticString = "x-forwarded-"
        let hasUnderscore = name.contains(ASCII.underscore)
        return withUnsafeTemporaryAllocation(byteCount: longest, alignment: 1) { memory in
            var count = 0
            for byte in name.prefix(longest) {
                memory[count] = byte == ASCII.underscore ? ASCII.dash : byte
                count += 1
            }
            let dashed = UnsafeRawBufferPointer(rebasing: memory[..<count])
            let isForwarded =
                count > prefix.utf8CodeUnitCount
                && dashed[ByteRange(0, prefix.utf8CodeUnitCount)].equalsIgnoringCase(prefix)
            guard hasUnderscore else { return isForwarded ? .otherXForwarded : .other }
            return isForwarded || count == name.count && KnownField(dashed) != .other ? .lookalike : .other
        }
    }
}
