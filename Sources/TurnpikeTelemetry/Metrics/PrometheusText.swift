// SPDX-License-Identifier: Apache-2.0

/// The lexical rules of the Prometheus text exposition format, version 0.0.4.
public enum PrometheusText {
    /// The `Content-Type` of what ``MetricsRegistry/render()`` returns.
    public static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    /// `text` with every character that a name must not hold replaced by `_`; an empty text is `_`.
    static func identifier(_ text: String, allowsColon: Bool) -> String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.utf8.count + 1)
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"):
                if bytes.isEmpty { bytes.append(UInt8(ascii: "_")) }
                bytes.append(byte)
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "_"):
                bytes.append(byte)
            case UInt8(ascii: ":") where allowsColon:
                bytes.append(byte)
            default:
                bytes.append(UInt8(ascii: "_"))
            }
        }
        return bytes.isEmpty ? "_" : String(decoding: bytes, as: UTF8.self)
    }

    /// A label value between its quotes: backslash, quote and line feed are escaped.
    static func labelValue(_ text: String) -> String {
        escape(text, quotes: true)
    }

    /// The text of a `# HELP` line: backslash and line feed are escaped.
    static func help(_ text: String) -> String {
        escape(text, quotes: false)
    }

    /// A sample's value. Whole numbers are written without a fraction, so that counts read as counts.
    static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value > 0 ? "+Inf" : "-Inf" }
        if value.magnitude < 0x1p53, value == value.rounded(.towardZero) { return String(Int64(value)) }
        return String(value)
    }

    private static func escape(_ text: String, quotes: Bool) -> String {
        let needsEscape = text.utf8.contains {
            $0 == UInt8(ascii: "\\") || $0 == UInt8(ascii: "\n") || (quotes && $0 == UInt8(ascii: "\""))
        }
        guard needsEscape else { return text }
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": escaped += "\\\\"
            case "\n": escaped += "\\n"
            case "\"" where quotes: escaped += "\\\""
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }
}
