// SPDX-License-Identifier: Apache-2.0

/// A field as a table holds it. The bytes belong to the table.
struct HPACKField {
    var name: UnsafeRawBufferPointer
    var value: UnsafeRawBufferPointer
}

/// The fields that both sides know from the beginning (RFC 7541 Appendix A).
struct HPACKStaticTable: @unchecked Sendable {
    static let shared = HPACKStaticTable()

    /// Indices from here on are those of the dynamic table (§2.3.3).
    static var end: Int { 62 }

    // Invariant: filled before anybody sees them, never written to nor freed afterwards, which is why threads may share them;
    // the bytes that fields point to are literals. `fields` has `end` elements, the first one unused; `slots` has 256, each 0 or
    // the first index of a name, with some of them 0.
    private let fields: UnsafePointer<HPACKField>
    private let slots: UnsafePointer<UInt8>

    private init() {
        let fields = UnsafeMutablePointer<HPACKField>.allocate(capacity: Self.end)
        let slots = UnsafeMutablePointer<UInt8>.allocate(capacity: 256)
        slots.initialize(repeating: 0, count: 256)
        self.fields = UnsafePointer(fields)
        self.slots = UnsafePointer(slots)
        fields.initialize(to: HPACKField(name: Self.bytes(""), value: Self.bytes("")))
        for (place, text) in Self.texts.enumerated() {
            let field = HPACKField(name: Self.bytes(text.name), value: Self.bytes(text.value))
            (fields + place + 1).initialize(to: field)
            guard index(of: field.name) == 0 else { continue }
            var slot = Self.slot(of: field.name)
            while slots[Int(slot)] != 0 { slot &+= 1 }
            slots[Int(slot)] = UInt8(place + 1)
        }
    }

    /// - Parameter index: 1 to ``end`` - 1.
    @inline(__always)
    subscript(index: Int) -> HPACKField { fields[index] }

    /// The first index that has the name, which is in lower case; 0 where none has.
    @inline(__always)
    func index(of name: UnsafeRawBufferPointer) -> Int {
        guard name.count > 0 else { return 0 }
        var slot = Self.slot(of: name)
        while true {
            let index = Int(slots[Int(slot)])
            if index == 0 || name.equalsIgnoringCase(fields[index].name) { return index }
            slot &+= 1
        }
    }

    /// The index of the field with this name and value; 0 where there is none.
    ///
    /// - Parameter first: the first index that has the name.
    @inline(__always)
    func index(of value: UnsafeRawBufferPointer, from first: Int) -> Int {
        let last =
            switch first {
            case 2, 4, 6: first + 1
            case 8: 14
            default: first
            }
        for index in first...last where fields[index].value.elementsEqual(value) { return index }
        return 0
    }

    /// Where to look for a name first: each of those in the table has a slot of its own.
    @inline(__always)
    private static func slot(of name: UnsafeRawBufferPointer) -> UInt8 {
        let length = UInt8(truncatingIfNeeded: name.count)
        return length &* 1 &+ name[0] &* 10 &+ name[name.count - 1] &* 4
    }

    private static func bytes(_ text: StaticString) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
    }

    private static let texts: [(name: StaticString, value: StaticString)] = [
        (":authority", ""),
        (":method", "GET"),
        (":method", "POST"),
        (":path", "/"),
        (":path", "/index.html"),
        (":scheme", "http"),
        (":scheme", "https"),
        (":status", "200"),
        (":status", "204"),
        (":status", "206"),
        (":status", "304"),
        (":status", "400"),
        (":status", "404"),
        (":status", "500"),
        ("accept-charset", ""),
        ("accept-encoding", "gzip, deflate"),
        ("accept-language", ""),
        ("accept-ranges", ""),
        ("accept", ""),
        ("access-control-allow-origin", ""),
        ("age", ""),
        ("allow", ""),
        ("authorization", ""),
        ("cache-control", ""),
        ("content-disposition", ""),
        ("content-encoding", ""),
        ("content-language", ""),
        ("content-length", ""),
        ("content-location", ""),
        ("content-range", ""),
        ("content-type", ""),
        ("cookie", ""),
        ("date", ""),
        ("etag", ""),
        ("expect", ""),
        ("expires", ""),
        ("from", ""),
        ("host", ""),
        ("if-match", ""),
        ("if-modified-since", ""),
        ("if-none-match", ""),
        ("if-range", ""),
        ("if-unmodified-since", ""),
        ("last-modified", ""),
        ("link", ""),
        ("location", ""),
        ("max-forwards", ""),
        ("proxy-authenticate", ""),
        ("proxy-authorization", ""),
        ("range", ""),
        ("referer", ""),
        ("refresh", ""),
        ("retry-after", ""),
        ("server", ""),
        ("set-cookie", ""),
        ("strict-transport-security", ""),
        ("transfer-encoding", ""),
        ("user-agent", ""),
        ("vary", ""),
        ("via", ""),
        ("www-authenticate", ""),
    ]
}
