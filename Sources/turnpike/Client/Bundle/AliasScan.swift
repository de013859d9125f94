// SPDX-License-Identifier: Apache-2.0

/// Finds what may be aliases in a YAML text (YAML 1.2.2 §7.1) without parsing it: a `*name` where a token can begin, of a
/// name that stands behind a `&` in such a place. Text in quotes or blocks may be taken for one, but nothing is missed.
enum AliasScan {
    static func count(in text: String.UTF8View) -> Int {
        var anchors: Set<String> = []
        forEachName(after: UInt8(ascii: "&"), in: text) { anchors.insert(String(Substring($0))) }
        guard !anchors.isEmpty else { return 0 }
        var count = 0
        forEachName(after: UInt8(ascii: "*"), in: text) { if anchors.contains(String(Substring($0))) { count += 1 } }
        return count
    }

    private static func forEachName(
        after sign: UInt8, in text: String.UTF8View, _ body: (Substring.UTF8View) -> Void
    ) {
        var before = UInt8(ascii: "\n")
        var place = text.startIndex
        while place < text.endIndex {
            let byte = text[place]
            if byte == sign, startsToken(after: before) {
                let name = text[text.index(after: place)...].prefix { !endsName($0) }
                if !name.isEmpty { body(name) }
            }
            before = byte
            place = text.index(after: place)
        }
    }

    private static func startsToken(after byte: UInt8) -> Bool { "\n\r\t [{,:?-".utf8.contains(byte) }

    private static func endsName(_ byte: UInt8) -> Bool { "\n\r\t ,[]{}".utf8.contains(byte) }
}
