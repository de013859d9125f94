// SPDX-License-Identifier: Apache-2.0

/// Writes fields (RFC 7541), without state: nothing is put into the client's dynamic table, so none has to be kept.
///
/// Strings are written as they are, without the Huffman code: processor time goes before bytes on the wire.
enum HPACKEncoder {
    /// What must stand at the beginning of a connection's first block: the dynamic table is of no size (§6.3), so that the
    /// client's SETTINGS_HEADER_TABLE_SIZE never matters.
    static func writeTableSize(to writer: inout ByteWriter) { writer.append(0x20) }

    /// `:status`: indexed where the static table has it, else literal.
    ///
    /// - Parameter status: 100 to 999.
    static func write(status: Int, to writer: inout ByteWriter) {
        let index: UInt8 =
            switch status {
            case 200: 8
            case 204: 9
            case 206: 10
            case 304: 11
            case 400: 12
            case 404: 13
            case 500: 14
            default: 0
            }
        guard index == 0 else { return writer.append(0x80 | index) }
        writer.append(count: 5) { memory in
            memory[0] = 8
            memory[1] = 3
            memory[2] = digit(status / 100)
            memory[3] = digit(status / 10 % 10)
            memory[4] = digit(status % 10)
        }
    }

    private static func digit(_ value: Int) -> UInt8 { ASCII.zero &+ UInt8(truncatingIfNeeded: value) }

    /// One field: indexed where the static table has both parts of it, else literal without indexing (§6.2.2), the name by its
    /// index where there is one. What identifies somebody is marked never to be indexed further on (§7.1.3).
    ///
    /// - Parameter name: in lower case.
    static func write(name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer, to writer: inout ByteWriter) {
        let table = HPACKStaticTable.shared
        let index = table.index(of: name)
        guard index > 0 else {
            writer.append(name.equals("x-api-key") ? neverIndexed : 0)
            write(string: name, to: &writer)
            return write(string: value, to: &writer)
        }
        let whole = table.index(of: value, from: index)
        guard whole == 0 else { return writer.append(0x80 | UInt8(whole)) }
        let kind = secrets &>> UInt64(index) & 1 == 1 ? neverIndexed : 0
        write(integer: index, mask: 0x0F, kind: kind, to: &writer)
        write(string: value, to: &writer)
    }

    /// The same of text.
    static func write(name: String, value: String, to writer: inout ByteWriter) {
        var (name, value) = (name, value)
        name.withUTF8 { name in
            value.withUTF8 { value in
                write(name: UnsafeRawBufferPointer(name), value: UnsafeRawBufferPointer(value), to: &writer)
            }
        }
    }

    /// Bytes that fields take at most.
    static func sizeBound(_ fields: [(name: String, value: String)]) -> Int {
        fields.reduce(0) { $0 + sizeBound(name: $1.name.utf8.count, value: $1.value.utf8.count) }
    }

    /// Bytes that a field takes at most: three integers of up to five bytes, and the strings, each shorter than 2²⁸.
    static func sizeBound(name: Int, value: Int) -> Int { 11 + name + value }

    private static var neverIndexed: UInt8 { 0x10 }

    /// Static indices of `authorization`, `cookie`, `proxy-authorization` and `set-cookie`.
    private static var secrets: UInt64 { 1 << 23 | 1 << 32 | 1 << 49 | 1 << 55 }

    @inline(__always)
    private static func write(string: UnsafeRawBufferPointer, to writer: inout ByteWriter) {
        guard string.count < 0x7F else {
            write(integer: string.count, mask: 0x7F, kind: 0, to: &writer)
            return writer.append(string)
        }
        writer.append(count: string.count + 1) { memory in
            memory[0] = UInt8(truncatingIfNeeded: string.count)
            UnsafeMutableRawBufferPointer(rebasing: memory[1...]).copyMemory(from: string)
        }
    }

    /// - Parameters:
    ///   - mask: the bits of the first byte that belong to the integer (§5.1).
    ///   - kind: its other bits.
    @inline(__always)
    private static func write(integer: Int, mask: UInt8, kind: UInt8, to writer: inout ByteWriter) {
        guard integer >= Int(mask) else { return writer.append(kind | UInt8(truncatingIfNeeded: integer)) }
        writer.append(kind | mask)
        var rest = integer - Int(mask)
        while rest >= 0x80 {
            writer.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        writer.append(UInt8(truncatingIfNeeded: rest))
    }
}
