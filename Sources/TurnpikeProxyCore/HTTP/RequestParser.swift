// SPDX-License-Identifier: Apache-2.0

/// Parses request heads of HTTP/1.0 and HTTP/1.1, strictly by RFC 9110 and RFC 9112.
///
/// Give it the same bytes again with more behind them until the head is complete; each line is read once, so a head
/// that comes byte by byte costs no more than a whole one. The bytes may have moved in memory between two calls, but
/// not within the buffer. After `.complete` the parser stands ready for the next head, which then has to begin at
/// offset 0; after `.fault` it must be `reset()`, but what came on that connection can no longer be trusted.
///
/// Refused, besides what the grammar excludes: bare LF and CR, folded lines, whitespace before the colon, repeated or
/// listed Content-Length, Content-Length with Transfer-Encoding, every transfer coding but `chunked`,
/// Transfer-Encoding in HTTP/1.0, a missing, repeated or bad Host, a Host that disagrees with an absolute target,
/// CONNECT and authority targets. One CRLF before the request line is skipped (RFC 9112 §2.2).
///
/// Confined to one connection; holds no bytes.
public struct RequestParser: Sendable {
    public let limits: HeadLimits
    private var lines = LineScanner()
    private var control = ControlFields()
    private var phase = Phase.start

    private enum Phase { case start, requestLine, fields }

    public init(limits: HeadLimits = HeadLimits()) { self.limits = limits }

    /// Forgets a head begun.
    public mutating func reset() {
        lines = LineScanner()
        control = ControlFields()
        phase = .start
    }

    /// True from the first byte of a head until it is complete: when to run the clock against slow senders.
    public var isWithinHead: Bool { phase != .start }

    /// Reads on in `bytes`, which begin with the head's first byte, and fills `head`, which is whole after
    /// `.complete` only.
    public mutating func parse(_ bytes: UnsafeRawBufferPointer, into head: inout RequestHead) -> ParseOutcome {
        do {
            guard try readLines(bytes, into: &head) else { return .incomplete }
            reset()
            return .complete(headLength: head.headLength)
        } catch {
            return .fault(error)
        }
    }

    private mutating func readLines(
        _ bytes: UnsafeRawBufferPointer, into head: inout RequestHead
    ) throws(HTTPFault) -> Bool {
        if phase == .start {
            guard !bytes.isEmpty else { return false }
            if bytes[0] == ASCII.cr {
                guard bytes.count > 1 else { return false }
                guard bytes[1] == ASCII.lf else { throw .badRequestLine }
                lines.skip(2)
            }
            head.reset()
            phase = .requestLine
        }
        if phase == .requestLine {
            guard let line = try nextLine(bytes, limit: limits.startLineBytes, tooLong: .startLineTooLong) else {
                return false
            }
            try head.parseRequestLine(bytes, from: line.lowerBound, to: line.upperBound)
            head.fields.start = lines.lineStart
            phase = .fields
        }
        while true {
            let remaining = limits.headBytes - 2 - lines.lineStart
            guard let line = try nextLine(bytes, limit: remaining, tooLong: .headTooLarge) else { return false }
            if line.isEmpty {
                try head.finish(bytes, control: control, endOfFields: line.lowerBound, headLength: lines.lineStart)
                return true
            }
            guard head.fields.count < limits.fieldCount else { throw .tooManyFields }
            let field = try FieldLine.parse(bytes, from: line.lowerBound, to: line.upperBound)
            try control.observe(field, in: bytes)
            head.fields.append(field)
        }
    }

    @inline(__always)
    private mutating func nextLine(
        _ bytes: UnsafeRawBufferPointer, limit: Int, tooLong: HTTPFault
    ) throws(HTTPFault) -> ByteRange? {
        switch lines.next(in: bytes, limit: limit) {
        case .line(let start, let end): return ByteRange(start, end)
        case .incomplete: return nil
        case .tooLong: throw tooLong
        case .bareLineFeed: throw .bareLineFeed
        }
    }
}
