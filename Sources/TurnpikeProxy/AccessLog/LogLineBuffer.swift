// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel
import TurnpikeProxyCore

/// Access-log lines as bytes. Times are UTC, durations milliseconds with three decimals.
struct LogLineBuffer {
    private let fields: Set<AccessLogField>
    private var bytes: [UInt8] = []
    /// The text of the second that lines were last written in: thousands of lines share it.
    private var second: (number: Int64, text: [UInt8]) = (-1, [])

    init(of fields: Set<AccessLogField>) { self.fields = fields }

    var count: Int { bytes.count }

    mutating func take() -> [UInt8] {
        defer {
            bytes = []
            bytes.reserveCapacity(min(count, 64 << 10))
        }
        return bytes
    }

    mutating func append(
        _ exchange: ExchangeRecord, method: UnsafeRawBufferPointer, path: UnsafeRawBufferPointer,
        host: UnsafeRawBufferPointer
    ) {
        text("{")
        appendRequest(exchange, method: method, path: path, host: host)
        appendAnswer(exchange)
        text("}\n")
    }

    private mutating func appendRequest(
        _ exchange: ExchangeRecord, method: UnsafeRawBufferPointer, path: UnsafeRawBufferPointer,
        host: UnsafeRawBufferPointer
    ) {
        if begin(.time) {
            text("\"")
            time(exchange.receivedAt)
            text("\"")
        }
        if begin(.requestID) { quoted(exchange.requestID.description) }
        if let parties = exchange.parties {
            if let trace = parties.trace, begin(.traceID) {
                text("\"")
                hexadecimal(trace.traceHigh)
                hexadecimal(trace.traceLow)
                text("\"")
            }
            if begin(.remoteAddress) { parties.client.text.withUnsafeBytes { quoted($0) } }
            if begin(.scheme) { text(parties.scheme == .https ? #""https""# : #""http""#) }
            if begin(.protocol) { text(parties.speaksHTTP2 ? #""HTTP/2""# : #""HTTP/1.1""#) }
        }
        if let route = exchange.route {
            if begin(.tenant) { quoted(route.tenant) }
            if begin(.route) { quoted(route.name) }
        }
        if let key = exchange.key, begin(.key) { quoted(key.text(prefix: Kind.apiKey.idPrefix)) }
        if !host.isEmpty, begin(.host) { quoted(host) }
        guard !method.isEmpty else { return }
        if begin(.method) { quoted(method) }
        if begin(.path) { quoted(path) }
        // Of any bytes, which JSON cannot hold.
        if let agent = exchange.parties?.agent, begin(.userAgent) { quoted(String(decoding: agent, as: UTF8.self)) }
    }

    private mutating func appendAnswer(_ exchange: ExchangeRecord) {
        number(.status, Int64(exchange.status))
        number(.bytesIn, exchange.bytesIn)
        number(.bytesOut, exchange.bytesOut)
        if begin(.duration) { milliseconds(exchange.duration) }
        if let duration = exchange.upstreamDuration, begin(.upstreamDuration) { milliseconds(duration) }
        if let service = exchange.parties?.service, begin(.service) { quoted(service) }
        if let endpoint = exchange.parties?.endpoint, begin(.endpoint) { quoted(endpoint.text) }
        if let status = exchange.upstreamStatus { number(.upstreamStatus, Int64(status)) }
        if exchange.attempts > 1 { number(.attempts, Int64(exchange.attempts)) }
        if let refusal = exchange.refusal, begin(.code) { quoted(refusal.rawValue) }
        if let detail = exchange.detail, begin(.reason) { quoted(detail) }
    }

    mutating func append(droppedLines count: Int) {
        text(#"{"droppedLines":"#)
        text(String(count))
        text("}\n")
    }

    // MARK: - Pieces

    private mutating func text(_ text: String) { bytes.append(contentsOf: text.utf8) }

    /// Writes the name of a field that is wanted.
    ///
    /// - Returns: whether it is: its value is to follow.
    private mutating func begin(_ field: AccessLogField) -> Bool {
        guard fields.contains(field) else { return false }
        text(bytes.last == UInt8(ascii: "{") ? "\"" : ",\"")
        text(field.rawValue)
        text("\":")
        return true
    }

    private mutating func number(_ field: AccessLogField, _ value: Int64) {
        if begin(field) { text(String(value)) }
    }

    private mutating func milliseconds(_ nanoseconds: UInt64) {
        let microseconds = nanoseconds / 1000
        text(String(microseconds / 1000))
        text(".")
        digits(microseconds % 1000)
    }

    private mutating func digits(_ value: UInt64) {
        for divisor in [100, 10, 1] as [UInt64] { bytes.append(UInt8(ascii: "0") + UInt8(value / divisor % 10)) }
    }

    /// 16 digits.
    private mutating func hexadecimal(_ value: UInt64) {
        for shift in stride(from: 60, through: 0, by: -4) {
            let digit = UInt8(truncatingIfNeeded: value >> UInt64(shift) & 0xF)
            bytes.append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
        }
    }

    /// `2026-03-01T12:00:00.123Z`
    private mutating func time(_ instant: Timestamp) {
        let (number, millisecond) = instant.milliseconds.quotientAndRemainder(dividingBy: 1000)
        if number != second.number {
            second = (number, Array(Timestamp(seconds: number).description.utf8.dropLast()))
        }
        bytes.append(contentsOf: second.text)
        bytes.append(UInt8(ascii: "."))
        digits(UInt64(clamping: millisecond))
        bytes.append(UInt8(ascii: "Z"))
    }

    private mutating func quoted(_ text: String) {
        var text = text
        text.withUTF8 { quoted(UnsafeRawBufferPointer($0)) }
    }

    /// A JSON string (RFC 8259 §7). Bytes above ASCII pass: names are UTF-8, and requests that hold others are refused.
    private mutating func quoted(_ value: UnsafeRawBufferPointer) {
        bytes.append(UInt8(ascii: "\""))
        for byte in value {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                bytes.append(UInt8(ascii: "\\"))
                bytes.append(byte)
            case 0..<0x20, 0x7F:
                text("\\u00")
                text(byte < 16 ? "0" : "")
                text(String(byte, radix: 16))
            default: bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }
}
