// SPDX-License-Identifier: Apache-2.0

/// Writes text into memory that the caller owns: the tail of a `ByteBuffer`, an epoll loop's output, an array.
///
/// It never writes past the end. What does not fit is left out, `overflowed` stays set, and the caller throws the
/// output away; memory of at least the writers' `sizeBound` cannot overflow.
public struct ByteWriter {
    // Invariant: 0 <= count <= capacity; `start` has `capacity` bytes, and only those behind `count` are written to.
    private let start: UnsafeMutableRawPointer?
    /// No more than was written once something did not fit, so that one comparison tells both.
    private var capacity: Int
    /// Bytes written so far.
    public private(set) var count = 0
    /// Something did not fit.
    public private(set) var overflowed = false

    /// - Parameter memory: stays valid, and is touched by nobody else, for as long as the writer is used.
    public init(_ memory: UnsafeMutableRawBufferPointer) {
        start = memory.baseAddress
        capacity = memory.count
    }

    /// Where the next `wanted` bytes go, which the caller fills all; nil where they do not fit.
    @inline(__always)
    private mutating func room(for wanted: Int) -> UnsafeMutableRawPointer? {
        guard wanted <= capacity &- count, let start else {
            overflowed = overflowed || wanted > 0
            capacity = count
            return nil
        }
        let target = start + count
        count &+= wanted
        return target
    }

    @inline(__always)
    public mutating func append(_ byte: UInt8) {
        room(for: 1)?.storeBytes(of: byte, as: UInt8.self)
    }

    public mutating func append(_ bytes: UnsafeRawBufferPointer) {
        guard let source = bytes.baseAddress else { return }
        room(for: bytes.count)?.copyMemory(from: source, byteCount: bytes.count)
    }

    /// A literal: its bytes and their number are known where this is compiled, which makes it some moves without a call.
    @inline(__always)
    public mutating func append(_ text: StaticString) {
        room(for: text.utf8CodeUnitCount)?.copyMemory(from: text.utf8Start, byteCount: text.utf8CodeUnitCount)
    }

    /// Text made at run time. It has a label since a literal would else be taken for a String.
    public mutating func append(string text: String) {
        var text = text
        text.withUTF8 { append(UnsafeRawBufferPointer($0)) }
    }

    /// A number in decimal digits without leading zeros.
    public mutating func append(decimal number: UInt64) {
        var count = 1
        var rest = number
        // Divisions by a constant are none to the processor.
        while rest >= 10 { (rest, count) = (rest / 10, count + 1) }
        append(count: count) { digits in
            rest = number
            for place in digits.indices.reversed() {
                digits[place] = ASCII.zero + UInt8(truncatingIfNeeded: rest % 10)
                rest /= 10
            }
        }
    }

    /// The `digits` lowest hexadecimal digits of a number, at most 16, in lower case.
    @inline(__always)
    public mutating func append(hex number: UInt64, digits: Int) {
        let words = (
            ByteWords.hexDigits(of: UInt32(truncatingIfNeeded: number >> 32)).bigEndian,
            ByteWords.hexDigits(of: UInt32(truncatingIfNeeded: number)).bigEndian
        )
        guard let target = room(for: digits) else { return }
        withUnsafeBytes(of: words) {
            UnsafeMutableRawBufferPointer(start: target, count: digits)
                .copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[(16 - digits)...]))
        }
    }

    /// Exactly `count` bytes, which `write` fills: one check of the space for all of them.
    @inline(__always)
    mutating func append(count wanted: Int, _ write: (UnsafeMutableRawBufferPointer) -> Void) {
        guard let target = room(for: wanted) else { return }
        write(UnsafeMutableRawBufferPointer(start: target, count: wanted))
    }

    /// The empty line that ends a head.
    public mutating func appendEndOfHead() { append("\r\n") }

    /// One whole field line. The caller answers for name and value: neither may carry a line break.
    @inline(__always)
    public mutating func appendField(_ name: StaticString, _ value: UnsafeRawBufferPointer) {
        let nameEnd = name.utf8CodeUnitCount
        guard let target = room(for: nameEnd + 2 + value.count + 2) else { return }
        target.copyMemory(from: name.utf8Start, byteCount: nameEnd)
        target.storeBytes(of: ByteWords.colonSpace, toByteOffset: nameEnd, as: UInt16.self)
        if let source = value.baseAddress { (target + nameEnd + 2).copyMemory(from: source, byteCount: value.count) }
        target.storeBytes(of: ByteWords.lineEnd, toByteOffset: nameEnd + 2 + value.count, as: UInt16.self)
    }

    @inline(__always)
    public mutating func appendField(_ name: StaticString, _ value: StaticString) {
        append(name)
        append(": ")
        append(value)
        append("\r\n")
    }

    public mutating func appendField(_ name: StaticString, decimal value: UInt64) {
        append(name)
        append(": ")
        append(decimal: value)
        append("\r\n")
    }
}

extension Array where Element == UInt8 {
    /// What `write` writes into at most `capacity` bytes; nil if it did not fit.
    public init?(capacity: Int, writing write: (inout ByteWriter) -> Void) {
        var overflowed = false
        self.init(unsafeUninitializedCapacity: capacity) { buffer, count in
            var writer = ByteWriter(UnsafeMutableRawBufferPointer(buffer))
            write(&writer)
            count = writer.count
            overflowed = writer.overflowed
        }
        if overflowed { return nil }
    }
}
