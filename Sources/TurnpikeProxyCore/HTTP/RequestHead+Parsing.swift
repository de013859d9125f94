// SPDX-License-Identifier: Apache-2.0

extension RequestHead {
    /// `method SP request-target SP HTTP-version` (RFC 9112 §3), each separated by exactly one space.
    mutating func parseRequestLine(
        _ bytes: UnsafeRawBufferPointer, from start: Int, to end: Int
    ) throws(HTTPFault) {
        var offset = FieldLine.tokenEnd(bytes, from: start, to: end)
        guard offset < end else { throw .badRequestLine }
        guard offset > start, bytes[offset] == ASCII.space else { throw .badMethod }
        methodName = ByteRange(start, offset)
        method = HTTPMethod(bytes[methodName])

        let targetStart = offset + 1
        offset = Self.targetEnd(bytes, from: targetStart, to: end)
        guard offset < end else { throw .badRequestLine }
        guard bytes[offset] == ASCII.space else { throw .badTarget }
        guard offset > targetStart else { throw .badRequestLine }
        target = ByteRange(targetStart, offset)

        minorVersion = try Self.minorVersion(bytes, from: offset + 1, to: end)
        guard method != .connect else { throw .connectNotSupported }
        try parseTarget(bytes)
    }

    /// Where what may stand in a target ends, at `end` at the latest.
    @inline(__always)
    static func targetEnd(_ bytes: UnsafeRawBufferPointer, from start: Int, to end: Int) -> Int {
        var offset = start
        while offset + 8 <= end,
            ByteWords.isTarget(bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
        { offset += 8 }
        while offset < end, ASCII.isTarget(bytes[offset]) { offset += 1 }
        return offset
    }

    /// `HTTP/1.0` or `HTTP/1.1`; another well-formed version is 505.
    static func minorVersion(
        _ bytes: UnsafeRawBufferPointer, from start: Int, to end: Int
    ) throws(HTTPFault) -> UInt8 {
        guard end - start == 8 else { throw .badVersion }
        let version = bytes.loadUnaligned(fromByteOffset: start, as: UInt64.self)
        if version == ByteWords.word("HTTP/1.1") { return 1 }
        if version == ByteWords.word("HTTP/1.0") { return 0 }
        guard bytes[ByteRange(start, start + 5)].equals("HTTP/"), ASCII.isDigit(bytes[start + 5]),
            bytes[start + 6] == ASCII.dot, ASCII.isDigit(bytes[start + 7])
        else { throw .badVersion }
        throw .unsupportedVersion
    }

    private mutating func parseTarget(_ bytes: UnsafeRawBufferPointer) throws(HTTPFault) {
        let first = bytes[target.lowerBound]
        if first == ASCII.slash {
            splitPath(bytes, from: target.lowerBound)
        } else if bytes[target].equals("*") {
            guard method == .options else { throw .asteriskNotOptions }
            isAsterisk = true
        } else {
            try parseAbsoluteTarget(bytes)
        }
    }

    private mutating func splitPath(_ bytes: UnsafeRawBufferPointer, from start: Int) {
        var offset = start
        while offset < target.upperBound, bytes[offset] != ASCII.question { offset += 1 }
        path = ByteRange(start, offset)
        query = offset < target.upperBound ? ByteRange(offset + 1, target.upperBound) : nil
    }

    /// `absolute-form` (RFC 9112 §3.2.2) of `http` and `https`; user information is refused with every other odd host.
    private mutating func parseAbsoluteTarget(_ bytes: UnsafeRawBufferPointer) throws(HTTPFault) {
        guard let schemeLength = Self.schemeLength(bytes[target]) else { throw .unsupportedTargetForm }
        let authorityStart = target.lowerBound + schemeLength
        var offset = authorityStart
        while offset < target.upperBound, bytes[offset] != ASCII.slash, bytes[offset] != ASCII.question { offset += 1 }
        authority = ByteRange(authorityStart, offset)
        splitPath(bytes, from: offset)
        isAsterisk = method == .options && path.isEmpty && query == nil
    }

    private static func schemeLength(_ target: UnsafeRawBufferPointer) -> Int? {
        if target.count >= 7, target[ByteRange(0, 7)].equalsIgnoringCase("http://") { return 7 }
        if target.count >= 8, target[ByteRange(0, 8)].equalsIgnoringCase("https://") { return 8 }
        return nil
    }

    /// Everything that can be told only once all fields are known.
    mutating func finish(
        _ bytes: UnsafeRawBufferPointer, control: ControlFields, endOfFields: Int, headLength: Int
    ) throws(HTTPFault) {
        fields.end = endOfFields
        self.headLength = headLength
        framing = try control.framing(minorVersion: minorVersion) ?? .none
        try settleHost(bytes, field: control.host)
        keepAlive = control.keepsAlive(minorVersion: minorVersion)
        nominatesFields = control.options.contains(.nominates)
        // RFC 9110 §10.1.1 and §7.8: neither means anything in HTTP/1.0.
        expectsContinue = control.expectsContinue && minorVersion >= 1 && hasBody
        isUpgrade = control.options.contains(.upgrade) && fields.present.has(.upgrade) && minorVersion >= 1
    }

    private mutating func settleHost(_ bytes: UnsafeRawBufferPointer, field: ByteRange?) throws(HTTPFault) {
        guard field != nil || minorVersion == 0 else { throw .missingHost }
        var settled: HostValue?
        if let field { settled = try HostValue(field, in: bytes) }
        if target.count > 0, bytes[target.lowerBound] != ASCII.slash, !bytes[target].equals("*") {
            let isTLS = bytes[target.lowerBound + 4] != ASCII.colon
            let fromTarget = try HostValue(authority, in: bytes)
            if let settled, !fromTarget.agrees(with: settled, in: bytes, defaultPort: isTLS ? 443 : 80) {
                throw .hostMismatch
            }
            settled = fromTarget
        }
        guard let settled else { return }
        host = settled.name
        authority = settled.authority
        port = settled.port
    }
}
