// SPDX-License-Identifier: Apache-2.0

public import Logging

/// Keeps secrets out of logs.
///
/// Two nets, because either alone has holes: a value is masked when its key names a secret, and text that looks like
/// one of our secrets is masked wherever it stands, in messages and errors too. A mask keeps a secret's prefix, which
/// says what it was, and nothing of its random part.
public enum Redaction {
    /// What stands in place of a masked value.
    public static let mask = "***"

    /// How our own secrets begin.
    static let secretPrefixes = ["tp_live_", "tp_op_", "tp_join_", "tp_wrk_"]

    private static let sensitiveKeys: Set<String> = [
        "authorization", "proxyauthorization", "xapikey", "key", "cookie", "setcookie",
    ]
    private static let sensitiveEndings = [
        "apikey", "credential", "credentials", "passphrase", "password", "privatekey", "secret", "token",
    ]

    /// Whether a value under `key` is a secret. Case, `-`, `_` and `.` make no difference.
    public static func isSensitive(key: String) -> Bool {
        let plain = key.lowercased().filter { $0 != "-" && $0 != "_" && $0 != "." }
        return sensitiveKeys.contains(plain) || sensitiveEndings.contains { plain.hasSuffix($0) }
    }

    /// `text` with the letters and digits after each of our secret prefixes masked.
    public static func masked(_ text: String) -> String {
        var text = text
        let mayHoldSecret = text.withUTF8 { bytes in
            zip(bytes, bytes.dropFirst()).contains { $0 == UInt8(ascii: "t") && $1 == UInt8(ascii: "p") }
        }
        guard mayHoldSecret else { return text }
        var rest = text[...]
        var result = ""
        while let start = rest.firstIndex(of: "t") {
            result += rest[..<start]
            rest = rest[start...]
            if let prefix = secretPrefixes.first(where: { rest.hasPrefix($0) }) {
                result += prefix + mask
                rest = rest.dropFirst(prefix.count).drop { $0.isLetter || $0.isNumber }
            } else {
                result.append("t")
                rest = rest.dropFirst()
            }
        }
        return result + rest
    }

    /// `metadata` with every secret in it masked, at any depth.
    public static func masked(_ metadata: Logger.Metadata) -> Logger.Metadata {
        var result: Logger.Metadata = [:]
        for (key, value) in metadata {
            result[key] = isSensitive(key: key) ? .string(mask) : masked(value)
        }
        return result
    }

    static func masked(_ value: Logger.MetadataValue) -> Logger.MetadataValue {
        switch value {
        case .string(let text): .string(masked(text))
        case .stringConvertible(let value): .string(masked(value.description))
        case .dictionary(let metadata): .dictionary(masked(metadata))
        case .array(let values): .array(values.map(masked))
        }
    }
}
