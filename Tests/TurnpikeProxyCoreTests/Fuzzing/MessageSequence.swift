// SPDX-License-Identifier: Apache-2.0

@testable import TurnpikeProxyCore

/// The messages of one direction of a connection, read by the parser alone.
struct MessageSequence {
    /// Of the requests, in their order; also of one whose content is not whole.
    private(set) var methods: [[UInt8]] = []
    /// The values of `X-Request-Id`.
    private(set) var ids: Set<[UInt8]> = []
    /// Of the requests: their paths, and how much content was read, framing left out.
    private(set) var contents: [(path: [UInt8], bytes: UInt64)] = []
    private(set) var count = 0
    /// Why the bytes cannot be read on.
    private(set) var fault: HTTPFault?

    private static let limits = HeadLimits(fieldCount: 1000, headBytes: 1 << 20)

    static func requests(in bytes: [UInt8]) -> MessageSequence {
        var result = MessageSequence()
        var rest = bytes[...]
        while !rest.isEmpty, result.fault == nil {
            var parser = RequestParser(limits: limits)
            var head = RequestHead()
            let outcome = rest.withUnsafeBytes { parser.parse($0, into: &head) }
            guard let content = result.take(outcome, rest) else { break }
            let bytes = Array(rest)
            result.methods.append(bytes[head.methodName])
            if let id = head.fields.first(.xRequestID) { result.ids.insert(bytes[id.value]) }
            result.count += 1
            let length: UInt64
            (rest, length) = result.skip(head.framing, content)
            result.contents.append((bytes[head.path], length))
        }
        return result
    }

    static func responses(in bytes: [UInt8], to methods: [[UInt8]]) -> MessageSequence {
        var result = MessageSequence()
        var rest = bytes[...]
        while !rest.isEmpty, result.fault == nil {
            var parser = ResponseParser(limits: limits)
            var head = ResponseHead()
            let answersHead = result.count < methods.count && methods[result.count] == Array("HEAD".utf8)
            let outcome = rest.withUnsafeBytes { parser.parse($0, answersHead: answersHead, into: &head) }
            guard let content = result.take(outcome, rest) else { break }
            if !head.isInterim { result.count += 1 }
            rest = result.skip(head.framing, content).rest
        }
        return result
    }

    /// - Returns: what follows the head, where that is whole.
    private mutating func take(_ outcome: ParseOutcome, _ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        switch outcome {
        case .complete(let length): return bytes.dropFirst(length)
        case .incomplete: return nil
        case .fault(let fault):
            self.fault = fault
            return nil
        }
    }

    /// - Returns: what follows the content, nothing where that is not whole; and how much content there is.
    private mutating func skip(
        _ framing: BodyFraming, _ bytes: ArraySlice<UInt8>
    ) -> (rest: ArraySlice<UInt8>, length: UInt64) {
        var reader = BodyReader(framing)
        do {
            let progress = try bytes.withUnsafeBytes { bytes throws(HTTPFault) in try reader.advance(bytes) }
            return (progress.isComplete ? bytes.dropFirst(progress.consumed) : [], reader.payloadBytes)
        } catch {
            fault = error as? HTTPFault
            return ([], reader.payloadBytes)
        }
    }
}
