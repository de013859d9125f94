// SPDX-License-Identifier: Apache-2.0

/// Parses response heads of upstreams, as strictly as ``RequestParser`` parses requests and used in the same way.
///
/// A fault here means that the upstream cannot be understood: 502 to the client, and its connection is closed. Interim
/// (1xx) answers come out like others; parse on for the final one.
public struct ResponseParser: Sendable {
    public let limits: HeadLimits
    private var lines = LineScanner()
    private var control = ControlFields()
    private var phase = Phase.start

    private enum Phase { case start, fields }

    public init(limits: HeadLimits = HeadLimits()) { self.limits = limits }

    /// Forgets a head begun.
    public mutating func reset() {
        lines = LineScanner()
        control = ControlFields()
        phase = .start
    }

    /// Reads on in `bytes`, which begin with the head's first byte.
    ///
    /// - Parameter answersHead: whether the request was HEAD, so that no content follows whatever the fields announce.
    public mutating func parse(
        _ bytes: UnsafeRawBufferPointer, answersHead: Bool, into head: inout ResponseHead
    ) -> ParseOutcome {
        do {
            guard try readLines(bytes, answersHead: answersHead, into: &head) else { return .incomplete }
            reset()
            return .complete(headLength: head.headLength)
        } catch {
            return .fault(error)
        }
    }

    private mutating func readLines(
        _ bytes: UnsafeRawBufferPointer, answersHead: Bool, into head: inout ResponseHead
    ) throws(HTTPFault) -> Bool {
        if phase == .start {
            guard let line = try nextLine(bytes, limit: limits.startLineBytes, tooLong: .badStatusLine) else {
                return false
            }
            head.reset()
            try head.parseStatusLine(bytes, from: line.lowerBound, to: line.upperBound)
            head.fields.start = lines.lineStart
            phase = .fields
        }
        while true {
            let remaining = limits.headBytes - 2 - lines.lineStart
            guard let line = try nextLine(bytes, limit: remaining, tooLong: .headTooLarge) else { return false }
            if line.isEmpty {
                try head.finish(
                    control: control, endOfFields: line.lowerBound, headLength: lines.lineStart,
                    answersHead: answersHead
                )
                return true
            }
            guard head.fields.count < limits.fieldCount else { throw .tooManyFields }
            let field = try FieldLine.parse(bytes, from: line.lowerBound, to: line.upperBound)
            if field.known.concernsResponses { try control.observe(field, in: bytes) }
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

extension KnownField {
    /// Host and Expect mean nothing in a response, however often they are there.
    fileprivate var concernsResponses: Bool { self != .host && self != .expect }
}
