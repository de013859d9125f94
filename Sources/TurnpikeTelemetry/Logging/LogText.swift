// SPDX-License-Identifier: Apache-2.0

/// How text stands in a log line: never breaking the line, never longer than a bound.
enum LogText {
    /// The most UTF-8 bytes of one message, key or value; what follows is cut and marked with `…`.
    static let limit = 4096

    /// `text`, cut to ``limit`` at a whole character.
    static func clipped(_ text: String) -> String {
        guard text.utf8.count > limit else { return text }
        var end = text.utf8.index(text.startIndex, offsetBy: limit)
        // A byte 0b10…… continues a character: the cut moves back to where that one starts.
        while text.utf8[end] & 0xC0 == 0x80 { end = text.utf8.index(before: end) }
        return text[..<end] + "…"
    }

    /// Appends `text` as a JSON string (RFC 8259, section 7), quotes included.
    static func appendQuoted(_ text: String, to line: inout String) {
        line += "\""
        for scalar in clipped(text).unicodeScalars {
            switch scalar {
            case "\"": line += "\\\""
            case "\\": line += "\\\\"
            case "\n": line += "\\n"
            case "\r": line += "\\r"
            case "\t": line += "\\t"
            case "\u{0}"..."\u{1F}", "\u{7F}"..."\u{9F}": line += escape(scalar)
            default: line.unicodeScalars.append(scalar)
            }
        }
        line += "\""
    }

    /// Appends `text` for people: bare where it is one plain word, else quoted. Control characters, which could move a
    /// terminal's cursor or forge a line, are always escaped.
    static func appendWord(_ text: String, to line: inout String) {
        let isPlain = text.unicodeScalars.allSatisfy {
            $0 > " " && $0 != "\"" && $0 != "=" && $0 != "\\" && !("\u{7F}"..."\u{9F}").contains($0)
        }
        if isPlain, !text.isEmpty {
            line += clipped(text)
        } else {
            appendQuoted(text, to: &line)
        }
    }

    private static func escape(_ scalar: Unicode.Scalar) -> String {
        let hex = String(scalar.value, radix: 16)
        return "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
    }
}
