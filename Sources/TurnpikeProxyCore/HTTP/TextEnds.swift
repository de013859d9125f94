// SPDX-License-Identifier: Apache-2.0

/// The first and the last eight bytes of a text, in lower case. Of up to sixteen bytes they and the length say all; a literal's
/// are constants, so that a name is recognised by two comparisons.
struct TextEnds: Equatable {
    private let first: UInt64
    private let last: UInt64

    @inline(__always)
    init(_ text: UnsafeRawBufferPointer) {
        self.init(text.baseAddress, count: text.count)
    }

    @inline(__always)
    private init(_ start: UnsafeRawPointer?, count: Int) {
        // In bounds: each load begins at 0, or ends at `count`.
        guard let start, count > 0 else {
            (first, last) = (0, 0)
            return
        }
        if count >= 8 {
            first = ByteWords.lowercased(start.loadUnaligned(as: UInt64.self))
            last = ByteWords.lowercased(start.loadUnaligned(fromByteOffset: count - 8, as: UInt64.self))
        } else if count >= 4 {
            first = ByteWords.lowercased(UInt64(start.loadUnaligned(as: UInt32.self)))
            last = ByteWords.lowercased(UInt64(start.loadUnaligned(fromByteOffset: count - 4, as: UInt32.self)))
        } else {
            let middle = UInt64(start.load(fromByteOffset: count / 2, as: UInt8.self))
            first = ByteWords.lowercased(UInt64(start.load(as: UInt8.self)) | middle << 8)
            last = ByteWords.lowercased(UInt64(start.load(fromByteOffset: count - 1, as: UInt8.self)))
        }
    }

    /// Whether they are those of a text in lower case, which has as many bytes.
    @inline(__always)
    func spell(_ lowercase: StaticString) -> Bool {
        self == TextEnds(UnsafeRawPointer(lowercase.utf8Start), count: lowercase.utf8CodeUnitCount)
    }
}
