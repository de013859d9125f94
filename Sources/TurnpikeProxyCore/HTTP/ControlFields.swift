// SPDX-License-Identifier: Apache-2.0

/// What the fields of one head say about the connection and about where the content ends, gathered line by line.
struct ControlFields: Sendable {
    struct ConnectionOptions: OptionSet, Sendable {
        let rawValue: UInt8
        static let close = ConnectionOptions(rawValue: 1)
        static let keepAlive = ConnectionOptions(rawValue: 2)
        static let upgrade = ConnectionOptions(rawValue: 4)
        /// Names fields that must not be forwarded.
        static let nominates = ConnectionOptions(rawValue: 8)
    }

    /// Each option is compared with each field when forwarding: the bound on that work.
    static let mostConnectionOptions = 32

    private(set) var contentLength: UInt64?
    private(set) var isChunked = false
    private(set) var options: ConnectionOptions = []
    private(set) var host: ByteRange?
    private(set) var expectsContinue = false
    private var optionCount = 0

    @inline(__always)
    mutating func observe(_ field: Field, in bytes: UnsafeRawBufferPointer) throws(HTTPFault) {
        switch field.known {
        case .contentLength: try observeContentLength(bytes[field.value])
        case .transferEncoding: try observeTransferEncoding(field.value, in: bytes)
        case .connection: try observeConnection(field.value, in: bytes)
        case .host:
            guard host == nil else { throw .repeatedHost }
            host = field.value
        case .expect:
            guard bytes[field.value].equalsIgnoringCase("100-continue") else { throw .unsupportedExpectation }
            expectsContinue = true
        default: break
        }
    }

    /// A repeated or listed length is refused even where its values agree: whoever wrote it twice may have meant two.
    private mutating func observeContentLength(_ value: UnsafeRawBufferPointer) throws(HTTPFault) {
        guard contentLength == nil else { throw .repeatedContentLength }
        guard !value.contains(ASCII.comma) else { throw .repeatedContentLength }
        guard !value.isEmpty, value.allSatisfy(ASCII.isDigit) else { throw .badContentLength }
        guard let length = value.decimal(), length <= UInt64(Int64.max) else { throw .contentLengthTooLarge }
        contentLength = length
    }

    private mutating func observeTransferEncoding(
        _ value: ByteRange, in bytes: UnsafeRawBufferPointer
    ) throws(HTTPFault) {
        guard !isChunked else { throw .badTransferEncoding }
        if bytes[value].equalsIgnoringCase("chunked") {
            isChunked = true
            return
        }
        // RFC 9112 §6.1 and §6.3: unknown codings are 501, but a length that cannot be told is 400.
        var codings = 0
        var chunkedCodings = 0
        var endsInChunked = false
        for coding in ListElements(value, in: bytes) {
            endsInChunked = coding.equalsIgnoringCase("chunked")
            codings += 1
            if endsInChunked { chunkedCodings += 1 }
        }
        throw endsInChunked && chunkedCodings == 1 && codings > 1 ? .unsupportedTransferCoding : .badTransferEncoding
    }

    private mutating func observeConnection(_ value: ByteRange, in bytes: UnsafeRawBufferPointer) throws(HTTPFault) {
        for option in ListElements(value, in: bytes) {
            optionCount += 1
            guard optionCount <= Self.mostConnectionOptions else { throw .tooManyConnectionOptions }
            if option.equalsIgnoringCase("close") {
                options.insert(.close)
            } else if option.equalsIgnoringCase("keep-alive") {
                options.insert(.keepAlive)
            } else if option.equalsIgnoringCase("upgrade") {
                options.insert(.upgrade)
            } else {
                options.insert(.nominates)
            }
        }
    }

    /// The framing that the fields give, or nil where they say nothing.
    func framing(minorVersion: UInt8) throws(HTTPFault) -> BodyFraming? {
        if isChunked {
            guard minorVersion >= 1 else { throw .transferEncodingInOldVersion }
            guard contentLength == nil else { throw .lengthWithTransferEncoding }
            return .chunked
        }
        return contentLength.map { .length($0) }
    }

    /// Whether the sender keeps the connection (RFC 9112 §9.3).
    func keepsAlive(minorVersion: UInt8) -> Bool {
        !options.contains(.close) && (minorVersion >= 1 || options.contains(.keepAlive))
    }
}
