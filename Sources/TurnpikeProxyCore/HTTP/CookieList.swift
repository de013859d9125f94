// SPDX-License-Identifier: Apache-2.0

/// The cookies of a `Cookie` field (RFC 6265 §4.2.1): `name=value` pairs between semicolons. Names are case-sensitive, and
/// quotes belong to the value.
struct CookieList {
    private let bytes: UnsafeRawBufferPointer

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    /// The value of the first cookie of this name; empty ones count.
    func value(of name: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
        var start = 0
        while start < bytes.count {
            while start < bytes.count, ASCII.isWhitespace(bytes[start]) { start += 1 }
            var end = start
            while end < bytes.count, bytes[end] != UInt8(ascii: ";") { end += 1 }
            let equals = start + name.count
            if equals < end, bytes[equals] == UInt8(ascii: "="), bytes[ByteRange(start, equals)].elementsEqual(name) {
                var valueEnd = end
                while valueEnd > equals + 1, ASCII.isWhitespace(bytes[valueEnd - 1]) { valueEnd -= 1 }
                return bytes[ByteRange(equals + 1, valueEnd)]
            }
            start = end + 1
        }
        return nil
    }
}

extension FieldTable {
    /// The value of the first cookie of this name in any of the `Cookie` fields.
    func cookie(named name: UnsafeRawBufferPointer, in bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
        for field in self where bytes[field.name].equalsIgnoringCase("cookie") {
            if let value = CookieList(bytes[field.value]).value(of: name) { return value }
        }
        return nil
    }
}
