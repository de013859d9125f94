// SPDX-License-Identifier: Apache-2.0

/// The head of one response of an upstream, as offsets into the bytes that were parsed; see ``RequestHead``.
public struct ResponseHead: Sendable {
    /// 100 to 599.
    public internal(set) var status = 0
    /// May be empty.
    public internal(set) var reasonPhrase = ByteRange.empty
    public internal(set) var minorVersion: UInt8 = 1
    public internal(set) var fields = FieldTable()
    public internal(set) var framing = BodyFraming.none
    /// The upstream keeps its connection once the content is over.
    public internal(set) var keepAlive = false
    /// The upstream names a protocol that this connection speaks from here on, or could speak (RFC 9110 §7.8).
    public internal(set) var isUpgrade = false
    /// `Connection` names fields that must not be forwarded.
    public internal(set) var nominatesFields = false
    public internal(set) var headLength = 0

    public init() {}

    /// A 1xx answer: the final one is still to come (RFC 9110 §15.2).
    public var isInterim: Bool { status < 200 }

    /// Status codes that never have content (RFC 9110 §6.4.1).
    public var forbidsContent: Bool { status < 200 || status == 204 || status == 304 }

    mutating func reset() {
        status = 0
        reasonPhrase = .empty
        minorVersion = 1
        fields.removeAll()
        framing = .none
        keepAlive = false
        isUpgrade = false
        nominatesFields = false
        headLength = 0
    }

    /// `HTTP-version SP status-code [ SP reason-phrase ]` (RFC 9112 §4). The second space may be missing, as it is from
    /// many servers, where there is no phrase either.
    mutating func parseStatusLine(_ bytes: UnsafeRawBufferPointer, from start: Int, to end: Int) throws(HTTPFault) {
        guard end - start >= 12, bytes[start + 8] == ASCII.space else { throw .badStatusLine }
        minorVersion = try RequestHead.minorVersion(bytes, from: start, to: start + 8)
        guard let code = bytes[ByteRange(start + 9, start + 12)].decimal(), 100...599 ~= code else {
            throw .badStatusLine
        }
        status = Int(code)
        guard end > start + 12 else { return }
        guard bytes[start + 12] == ASCII.space, !FieldLine.hasControl(bytes, from: start + 13, to: end) else {
            throw .badStatusLine
        }
        reasonPhrase = ByteRange(start + 13, end)
    }

    mutating func finish(
        control: ControlFields, endOfFields: Int, headLength: Int, answersHead: Bool
    ) throws(HTTPFault) {
        fields.end = endOfFields
        self.headLength = headLength
        let announced = try control.framing(minorVersion: minorVersion)
        framing = answersHead || forbidsContent ? .none : announced ?? .untilClose
        keepAlive = control.keepsAlive(minorVersion: minorVersion) && framing != .untilClose && status != 101
        nominatesFields = control.options.contains(.nominates)
        isUpgrade = control.options.contains(.upgrade) && fields.present.has(.upgrade)
    }
}
