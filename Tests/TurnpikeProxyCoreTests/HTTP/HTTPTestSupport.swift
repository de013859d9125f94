// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeProxyCore

/// A request head as the parser left it, with the bytes to read it by.
struct ParsedRequest {
    let outcome: ParseOutcome
    let head: RequestHead
    let bytes: [UInt8]

    /// Parses text in one go, or after each of the given lengths and then whole.
    init(_ text: String, lengths: [Int] = [], limits: HeadLimits = HeadLimits()) {
        self.init(Array(text.utf8), lengths: lengths, limits: limits)
    }

    init(_ bytes: [UInt8], lengths: [Int] = [], limits: HeadLimits = HeadLimits()) {
        var parser = RequestParser(limits: limits)
        var head = RequestHead()
        var outcome = ParseOutcome.incomplete
        for length in lengths + [bytes.count] where outcome == .incomplete {
            // Another place in memory each time, as with buffers that grow.
            outcome = Array(bytes.prefix(length)).withUnsafeBytes { parser.parse($0, into: &head) }
        }
        self.outcome = outcome
        self.head = head
        self.bytes = bytes
    }

    func text(_ range: ByteRange) -> String { bytes.text(range) }

    var fields: [String] { head.fields.map { "\(text($0.name))=\(text($0.value))" } }
}

struct ParsedResponse {
    let outcome: ParseOutcome
    let head: ResponseHead
    let bytes: [UInt8]

    init(_ text: String, answersHead: Bool = false, lengths: [Int] = []) {
        let bytes = Array(text.utf8)
        var parser = ResponseParser()
        var head = ResponseHead()
        var outcome = ParseOutcome.incomplete
        for length in lengths + [bytes.count] where outcome == .incomplete {
            outcome = Array(bytes.prefix(length)).withUnsafeBytes {
                parser.parse($0, answersHead: answersHead, into: &head)
            }
        }
        self.outcome = outcome
        self.head = head
        self.bytes = bytes
    }

    func text(_ range: ByteRange) -> String { bytes.text(range) }
}

extension [UInt8] {
    func text(_ range: ByteRange) -> String {
        String(decoding: self[range.lowerBound..<range.upperBound], as: UTF8.self)
    }
}

/// Text of the wire as a test's argument, named on one short line where the test is reported.
struct Wire: ExpressibleByStringInterpolation, CustomTestStringConvertible, Sendable {
    let text: String

    init(_ text: String) { self.text = text }

    init(stringLiteral text: String) { self.text = text }

    var testDescription: String { String(text.debugDescription.prefix(80)) }

    static func + (left: Wire, right: Wire) -> Wire { Wire(left.text + right.text) }
}

/// What a writer writes, as text; nil if it needs more than `capacity`.
func written(capacity: Int, _ write: (inout ByteWriter) -> Void) -> String? {
    [UInt8](capacity: capacity, writing: write).map { String(decoding: $0, as: UTF8.self) }
}

/// The CRLF lines of a text, up to the empty one that ends a head.
func headLines(_ text: String) -> [String] {
    // CRLF is one Character.
    text.split(separator: "\r\n", omittingEmptySubsequences: false).prefix { !$0.isEmpty }.map(String.init)
}

extension KnownField {
    /// Those with a name of their own.
    static var named: [KnownField] { allCases.filter { $0.name.utf8CodeUnitCount > 0 } }
}
