// SPDX-License-Identifier: Apache-2.0

import TurnpikeIdentity
import TurnpikeSnapshot

/// What an operator shows a gateway to be told what becomes of a request. Only its SHA-256 is kept.
public struct DebugToken: Sendable {
    /// Bytes that it must have at least, and at most.
    public static let length = 16...256

    private let digest: KeyDigest

    /// Nil unless the text has 16 to 256 bytes, all of them visible ASCII.
    public init?(_ text: String) {
        guard Self.length.contains(text.utf8.count), text.utf8.allSatisfy({ 0x21...0x7E ~= $0 }) else { return nil }
        digest = .sha256(of: text)
    }

    /// Whether these are the token's bytes. The time that it takes tells only how many they are.
    public func matches(_ bytes: UnsafeRawBufferPointer) -> Bool {
        Self.length.contains(bytes.count) && KeyDigest.sha256(of: bytes) == digest
    }
}
