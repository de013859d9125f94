// SPDX-License-Identifier: Apache-2.0

/// The two messages of `grpc.health.v1.Health/Check` (gRPC's `health-checking.md`), in Protocol Buffers' encoding and gRPC's
/// framing: a byte that says whether what follows is compressed, four of its length, and the message.
enum GRPCHealthMessage {
    static let path = "/grpc.health.v1.Health/Check"

    /// What an endpoint says of itself.
    enum ServingStatus: Sendable, Hashable {
        case serving
        /// `UNKNOWN`, `NOT_SERVING`, or what later versions may add.
        case other
    }

    /// `HealthCheckRequest`, framed.
    ///
    /// - Parameter service: nil for the server as a whole.
    static func request(service: String?) -> [UInt8] {
        var message: [UInt8] = []
        if let service, !service.isEmpty {
            message.append(1 << 3 | WireType.lengthDelimited.rawValue)
            message.appendVarint(UInt64(service.utf8.count))
            message += service.utf8
        }
        let length = withUnsafeBytes(of: UInt32(message.count).bigEndian, Array.init)
        return [0] + length + message
    }

    /// Reads a framed `HealthCheckResponse`.
    ///
    /// - Returns: nil where this is not exactly one message, uncompressed and well-formed.
    static func servingStatus(framed bytes: [UInt8]) -> ServingStatus? {
        guard bytes.count >= 5, bytes[0] == 0 else { return nil }
        let length = bytes[1..<5].reduce(0) { $0 << 8 | Int($1) }
        guard bytes.count == 5 + length else { return nil }
        var fields = FieldScanner(bytes[5...])
        // A field that is not there has its default, UNKNOWN, and of one that is repeated the last counts.
        var status: UInt64 = 0
        while !fields.isAtEnd {
            guard let field = fields.next() else { return nil }
            guard field.number == 1 else { continue }
            guard let value = field.value else { return nil }
            status = value
        }
        return status == 1 ? .serving : .other
    }
}

private enum WireType: UInt8 {
    case varint = 0
    case fixed64 = 1
    case lengthDelimited = 2
    // 3 and 4 are groups, which proto3 does not have.
    case fixed32 = 5
}

/// The fields of a message, one after the other, whatever they mean.
private struct FieldScanner {
    struct Field {
        let number: UInt64
        /// Of a varint.
        let value: UInt64?
    }

    private var rest: ArraySlice<UInt8>

    init(_ message: ArraySlice<UInt8>) { rest = message }

    var isAtEnd: Bool { rest.isEmpty }

    /// - Returns: nil where what follows is no field.
    mutating func next() -> Field? {
        guard let tag = varint(), tag <= UInt32.max, tag >> 3 > 0, let type = WireType(rawValue: UInt8(tag & 7)) else {
            return nil
        }
        switch type {
        case .varint: return varint().map { Field(number: tag >> 3, value: $0) }
        case .fixed64: return skip(8, field: tag >> 3)
        case .fixed32: return skip(4, field: tag >> 3)
        case .lengthDelimited: return varint().flatMap { skip($0, field: tag >> 3) }
        }
    }

    private mutating func skip(_ count: UInt64, field number: UInt64) -> Field? {
        guard count <= UInt64(rest.count) else { return nil }
        rest = rest.dropFirst(Int(count))
        return Field(number: number, value: nil)
    }

    /// Seven bits of each byte, the least first; at most 64 in all.
    private mutating func varint() -> UInt64? {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 70, by: 7) {
            guard let byte = rest.popFirst(), shift < 63 || byte <= 1 else { return nil }
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
        }
        return nil
    }
}

extension [UInt8] {
    fileprivate mutating func appendVarint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        append(UInt8(rest))
    }
}
