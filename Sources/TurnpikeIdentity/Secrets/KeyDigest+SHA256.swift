// SPDX-License-Identifier: Apache-2.0

import Crypto
public import TurnpikeSnapshot

extension KeyDigest {
    /// The SHA-256 (FIPS 180-4) of `bytes`.
    public static func sha256(of bytes: UnsafeRawBufferPointer) -> KeyDigest {
        var hash = SHA256()
        hash.update(bufferPointer: bytes)
        return hash.finalize().withUnsafeBytes { digest in
            func word(_ index: Int) -> UInt64 {
                UInt64(bigEndian: digest.loadUnaligned(fromByteOffset: index * 8, as: UInt64.self))
            }
            return KeyDigest(words: (word(0), word(1), word(2), word(3)))
        }
    }

    /// The SHA-256 of the UTF-8 bytes of `text`.
    public static func sha256(of text: String) -> KeyDigest {
        var text = text
        return text.withUTF8 { sha256(of: UnsafeRawBufferPointer($0)) }
    }
}
