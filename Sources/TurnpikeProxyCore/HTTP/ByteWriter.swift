// SPDX-License-Identifier: Apache-2.0

/// Writes text into memory that the caller owns: the tail of a `ByteBuffer`, an epoll loop's output, an array.
///
/// It never writes past the end. What does not fit is left out, `overflowed` stays set, and the caller throws the
/// output away; memory of at least the writers' `sizeBound` cannot overflow.
public struct ByteWriter {
    // Invariant: 0 <= count <= memory.count, and only memory[count...] is written to.
    private let memory: UnsafeMutableRawBufferPointer
    /// Bytes written so far.
    public private(set) var count = 0
    /// Something did not fit.
    public private(set) var overflowed = false

    /// - Parameter memory: stays valid, and is touched by nobody else, for as long as the writer is used.
    public init(_ memory: UnsafeMutableRawBufferPointer) { self.memory = memory }

    public mutating func append(_ byte: UInt8) {
        guard count < memory.count, !overflowed else {
            overflowed = true
            return
        }
        memory[count] = byte
        count += 1
    }

    public mutating func append(_ bytes: UnsafeRawBufferPointer) {
        guard !overflowed, bytes.count <= memory.count - count else {
            overflowed = true
            return
        }
        guard let source = bytes.baseAddress, let target = memory.baseAddress else { return }
        (target + count).copyMemory(from: source, byteCount: bytes.count)
        count += bytes.count
    }

    public mutating func append(_ text: StaticString) {
        append(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    /// Text made at run time. It has a label since a literal would else be taken for a String.
    public mutating func append(string text: String) {
        var text = text
        text.withUTF8 { append(UnsafeRawBufferPointer($0)) }
    }

    /// A number in decimal digits without leading zeros.
    public mutating func append(decimal number: UInt64) {
        var divisor: UInt64 = 1
        while number / divisor >= 10 { divisor *= 10 }
        while divisor > 0 {
            append(ASCII.zero + UInt8(number / divisor % 10))
            divisor /= 10
        }
    }

    /// The `digits` lowest hexadecimal digits of a number, at most 16, in lower case.
    public mutating func append(hex number: UInt64, digits: Int) {
        let words = (
            ByteWords.hexDigits(of: UInt32(truncatingIfNeeded: number >> 32)).bigEndian,
            ByteWords.hexDigits(of: UInt32(truncatingIfNeeded: number)).bigEndian
        )
        withUnsafeBytes(of: words) { append(UnsafeRawBufferPointer(rebasing: $0[(16 - digits)...])) }
    }

    /// Exactly `count` bytes, which `write` fills: one check of the space for all of them.
    @inline(__always)
    mutating func append(count wanted: Int, _ write: (UnsafeMutableRawBufferPointer) -> Void) {
        guard !overflowed, wanted <= memory.count - count else {
            overflowed = true
            return
        }
        write(UnsafeMutableRawBufferPointer(rebasing: memory[count..<count + wanted]))
        count += wanted
    }

    /// The empty line that ends a head.
    public mutating func appendEndOfHead() { append("\r\n") }

    /// One whole field line. The caller answers for name and value: neither may carry a line break.
    public mutating func appendField(_ name: StaticString, _ value: UnsafeRawBufferPointer) {
        let valueStart = name.utf8CodeUnitCount + 2
        append(count: valueStart + value.count + 2) { target in
            target.copyMemory(from: UnsafeRawBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount))
            target[valueStart - 2] = ASCII.colon
            target[valueStart - 1] = ASCII.space
            UnsafeMutableRawBufferPointer(rebasing: target[valueStart...]).copyMemory(from: value)
            target[valueStart + value.count] = ASCII.cr
            target[valueStart + value.count + 1] = ASCII.lf
        }
    }

    public mutating func appendField(_ name: StaticString, _ value: StaticString) {
        appendField(name, UnsafeRawBufferPointer(start: value.utf8Start, count: value.utf8CodeUnitCount))
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
