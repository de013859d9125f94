// SPDX-License-Identifier: Apache-2.0

/// Brings paths into the one form that is matched and forwarded.
///
/// By RFC 3986 §6.2.2: dot segments are resolved, percent-encodings of unreserved characters are decoded, the others
/// are written in upper case. Besides: doubled slashes become one, and characters that no path may carry literally
/// (`"`, `<`, `>`, `^`, `` ` ``, `{`, `|`, `}`) are percent-encoded. Refused with 400: encodings of `/`, `\`, NUL and
/// other controls, `\` itself, invalid percent-encodings, dot segments with parameters (`/..;x/`, which some servers
/// resolve and others do not), and a path that climbs above the root.
///
/// For routes that take them, encoded slashes can be kept as `%2F`, text within a segment like any other: unless one would stand
/// beside a dot segment once a server has decoded it.
///
/// The form is a fixed point: normalising it again changes nothing. A path that has it already, as nearly all have,
/// is neither copied nor changed. Keeps one scratch buffer; use one value a loop, and read a rewritten path before
/// the next.
public struct PathNormaliser: Sendable {
    public enum Outcome: Sendable, Hashable {
        /// The path as given has the form.
        case unchanged
        /// The path in its form is ``PathNormaliser/rewritten``.
        case rewritten
        case fault(HTTPFault)
    }

    /// The result of the last call that answered `.rewritten`.
    public private(set) var rewritten: [UInt8] = []
    private var keepsSlashes = false
    /// The last path had encoded slashes, and they were kept.
    public private(set) var hasEncodedSlashes = false

    public init() {}

    /// Normalises a path: what stands before `?`. An empty path, as an absolute target may have, means `/`.
    ///
    /// - Parameter keepingSlashes: those that are encoded, where they would else be a fault. Default false.
    public mutating func normalise(_ path: UnsafeRawBufferPointer, keepingSlashes: Bool = false) -> Outcome {
        keepsSlashes = keepingSlashes
        hasEncodedSlashes = false
        guard !path.isEmpty else {
            rewritten.removeAll(keepingCapacity: true)
            rewritten.append(ASCII.slash)
            return .rewritten
        }
        guard path[0] == ASCII.slash else { return .fault(.badPath) }
        if Self.isNormal(path) { return .unchanged }
        do {
            try rewrite(path)
            return .rewritten
        } catch {
            return .fault(error)
        }
    }

    /// Calls `body` with the path that an outcome stands for, or gives nil for a fault.
    @inlinable
    public func withPath<Result>(
        _ outcome: Outcome, of original: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) -> Result
    ) -> Result? {
        switch outcome {
        case .unchanged: body(original)
        case .rewritten: rewritten.withUnsafeBytes(body)
        case .fault: nil
        }
    }

    /// Whether a path has the form; false also for those that are refused.
    private static func isNormal(_ path: UnsafeRawBufferPointer) -> Bool {
        var offset = 1
        var followsSlash = true
        while offset < path.count {
            let byte = path[offset]
            if byte == ASCII.slash {
                guard !followsSlash else { return false }
                followsSlash = true
                offset += 1
            } else if byte == ASCII.percent {
                guard let escape = Escape(path, at: offset), escape.isNormal else { return false }
                followsSlash = false
                offset += 3
            } else {
                guard ASCII.isPathCharacter(byte) else { return false }
                // Names like `.well-known` begin so as well; the rewriting leaves them as they are.
                if byte == ASCII.dot, followsSlash { return false }
                followsSlash = false
                offset += 1
            }
        }
        return true
    }

    private mutating func rewrite(_ path: UnsafeRawBufferPointer) throws(HTTPFault) {
        rewritten.removeAll(keepingCapacity: true)
        rewritten.append(ASCII.slash)
        var offset = 1
        while offset < path.count {
            let segmentStart = rewritten.count
            var pieceStart = segmentStart
            while offset < path.count, path[offset] != ASCII.slash {
                let isSlash = keepsSlashes && Escape(path, at: offset)?.value == ASCII.slash
                if isSlash { try refuseDots(from: pieceStart) }
                offset += try appendCharacter(path, at: offset)
                if isSlash { pieceStart = rewritten.count }
            }
            if pieceStart > segmentStart {
                try refuseDots(from: pieceStart)
                hasEncodedSlashes = true
            }
            try resolveDots(from: segmentStart)
            // A slash behind an empty or resolved segment is there already.
            if offset < path.count, rewritten.last != ASCII.slash { rewritten.append(ASCII.slash) }
            offset += 1
        }
    }

    /// Appends the character at `offset` in its form and tells how many bytes of the path it took.
    private mutating func appendCharacter(_ path: UnsafeRawBufferPointer, at offset: Int) throws(HTTPFault) -> Int {
        let byte = path[offset]
        if byte == ASCII.percent {
            guard let escape = Escape(path, at: offset) else { throw .badPercentEncoding }
            guard !escape.isForbidden || keepsSlashes && escape.value == ASCII.slash else {
                throw .forbiddenEncodedCharacter
            }
            append(escape.value, encoded: !ASCII.isUnreserved(escape.value))
            return 3
        }
        guard ASCII.isTarget(byte), byte != ASCII.backslash, byte != ASCII.question else { throw .badPath }
        append(byte, encoded: !ASCII.isPathCharacter(byte))
        return 1
    }

    private mutating func append(_ byte: UInt8, encoded: Bool) {
        guard encoded else { return rewritten.append(byte) }
        rewritten.append(ASCII.percent)
        rewritten.append(ASCII.upperHexDigit(byte >> 4))
        rewritten.append(ASCII.upperHexDigit(byte & 15))
    }

    /// The form of text within one segment, dots left as they are: for the literals of route patterns.
    static func normalised(segment text: UnsafeRawBufferPointer) throws(HTTPFault) -> [UInt8] {
        var normaliser = PathNormaliser()
        var offset = 0
        while offset < text.count {
            guard text[offset] != ASCII.slash else { throw .badPath }
            offset += try normaliser.appendCharacter(text, at: offset)
        }
        return normaliser.rewritten
    }

    /// Resolves the segment that ends the result, if it is `.` or `..` (RFC 3986 §5.2.4).
    private mutating func resolveDots(from start: Int) throws(HTTPFault) {
        var dots = 0
        while start + dots < rewritten.count, rewritten[start + dots] == ASCII.dot { dots += 1 }
        guard 1...2 ~= dots else { return }
        if start + dots < rewritten.count {
            guard rewritten[start + dots] != ASCII.semicolon else { throw .dotSegmentWithParameters }
            return
        }
        rewritten.removeLast(dots)
        guard dots == 2 else { return }
        guard rewritten.count > 1 else { throw .pathAboveRoot }
        repeat { rewritten.removeLast() } while rewritten.last != ASCII.slash
    }

    /// Refuses what would be a dot segment for who decodes the slashes around it.
    private func refuseDots(from start: Int) throws(HTTPFault) {
        var dots = 0
        while start + dots < rewritten.count, rewritten[start + dots] == ASCII.dot { dots += 1 }
        guard 1...2 ~= dots else { return }
        guard start + dots < rewritten.count, rewritten[start + dots] != ASCII.semicolon else {
            throw .forbiddenEncodedCharacter
        }
    }

    /// A percent-encoded byte.
    private struct Escape {
        let value: UInt8
        private let isUppercase: Bool

        init?(_ path: UnsafeRawBufferPointer, at offset: Int) {
            guard offset + 2 < path.count, let high = ASCII.hexValue(path[offset + 1]),
                let low = ASCII.hexValue(path[offset + 2])
            else { return nil }
            value = high << 4 | low
            // Lower-case digits are the only ones above `_`.
            isUppercase = path[offset + 1] < 0x60 && path[offset + 2] < 0x60
        }

        var isForbidden: Bool {
            value < 0x20 || value == 0x7F || value == ASCII.slash || value == ASCII.backslash
        }

        var isNormal: Bool { isUppercase && !isForbidden && !ASCII.isUnreserved(value) }
    }
}
