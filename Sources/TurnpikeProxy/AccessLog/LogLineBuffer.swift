// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel
import TurnpikeProxyCore
import TurnpikeTelemetry

/// Access-log lines as bytes. Field names are ``LogKey``'s; times are UTC, durations milliseconds with three decimals.
struct LogLineBuffer {
    private var bytes: [UInt8] = []
    /// The text of the second that lines were last written in: thousands of lines share it.
    private var second: (number: Int64, text: [UInt8]) = (-1, [])

    var count: Int { bytes.count }

    mutating func take() -> [UInt8] {
        defer {
            bytes = []
            bytes.reserveCapacity(min(count, 64 << 10))
        }
        return bytes
    }

    mutating func append(_ exchange: ExchangeRecord, method: UnsafeRawBufferPointer, path: UnsafeRawBufferPointer) {
        text(#"{"time":""#)
        time(exchange.receivedAt)
        text(#"","requestId":""#)
        text(exchange.requestID.description)
        text("\"")
        if let route = exchange.route {
            name(LogKey.tenant)
            quoted(route.tenant)
            name(LogKey.route)
            quoted(route.name)
        }
        if let key = exchange.key {
            name(LogKey.keyID)
            quoted(key.text(prefix: Kind.apiKey.idPrefix))
        }
        if !method.isEmpty {
            name(LogKey.method)
            quoted(method)
            name(LogKey.path)
            quoted(path)
        }
        number(LogKey.status, Int64(exchange.status))
        number(LogKey.bytesIn, exchange.bytesIn)
        number(LogKey.bytesOut, exchange.bytesOut)
        milliseconds(LogKey.durationMilliseconds, exchange.duration)
        if let duration = exchange.upstreamDuration { milliseconds("upstreamMs", duration) }
        if let status = exchange.upstreamStatus { number("upstreamStatus", Int64(status)) }
        if exchange.attempts > 1 { number("attempts", Int64(exchange.attempts)) }
        if let refusal = exchange.refusal {
            name(LogKey.code)
            quoted(refusal.rawValue)
        }
        if let detail = exchange.detail {
            name(LogKey.reason)
            quoted(detail)
        }
        text("}\n")
    }

    mutating func append(droppedLines count: Int) {
        text(#"{"droppedLines":"#)
        text(String(count))
        text("}\n")
    }

    // MARK: - Pieces

    private mutating func text(_ text: String) { bytes.append(contentsOf: text.utf8) }

    private mutating func name(_ key: String) {
        text(",\"")
        text(key)
        text("\":")
    }

    private mutating func number(_ key: String, _ value: Int64) {
        name(key)
        text(String(value))
    }

    private mutating func milliseconds(_ key: String, _ nanoseconds: UInt64) {
        name(key)
        let microseconds = nanoseconds / 1000
        text(String(microseconds / 1000))
        text(".")
        digits(microseconds % 1000)
    }

    private mutating func digits(_ value: UInt64) {
        for divisor in [100, 10, 1] as [UInt64] { bytes.append(UInt8(ascii: "0") + UInt8(value / divisor % 10)) }
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
