// SPDX-License-Identifier: Apache-2.0

import Crypto

/// Text that only the holder of a secret can read again: AES-256-GCM under a key that HKDF-SHA256 (RFC 5869) makes of
/// the secret. The secret is kept nowhere, so what is stored is of no use to whoever reads the store.
public enum SealedText {
    /// - Returns: nonce, cipher text and tag; nothing where the library refuses its own key and nonce, which opens to
    ///   nobody.
    public static func seal(_ text: String, with secret: String) -> [UInt8] {
        let sealed = try? AES.GCM.seal(Array(text.utf8), using: key(of: secret))
        return sealed?.combined.map { Array($0) } ?? []
    }

    /// - Throws: where the secret is another one, or the bytes have been altered.
    public static func open(_ bytes: [UInt8], with secret: String) throws -> String {
        String(decoding: try AES.GCM.open(AES.GCM.SealedBox(combined: bytes), using: key(of: secret)), as: UTF8.self)
    }

    private static func key(of secret: String) -> SymmetricKey {
        HKDF<SHA256>.deriveKey(
            inputKeyMaterial: SymmetricKey(data: Array(secret.utf8)), info: Array("turnpike sealed text 1".utf8),
            outputByteCount: 32)
    }
}
