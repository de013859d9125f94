// SPDX-License-Identifier: Apache-2.0

/// Names one request in answers, logs and upstream requests: 48 bits of milliseconds since 1970 and 80 random bits.
///
/// As text `req_` and 26 characters of Crockford's base 32, which sort as the ids do: by time.
public struct RequestID: Sendable, Hashable, Comparable {
    public let high: UInt64
    public let low: UInt64

    /// Length of the text.
    public static let textLength = 30

    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    public static func < (left: RequestID, right: RequestID) -> Bool {
        (left.high, left.low) < (right.high, right.low)
    }

    /// Writes the text.
    public func write(to writer: inout ByteWriter) {
        let alphabet: StaticString = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
        writer.append("req_")
        writer.append(count: 26) { target in
            // 26 digits of 5 bits hold 130: the first digit carries the top three only.
            for place in 0..<26 {
                target[place] = alphabet.utf8Start[Int(bits(from: 125 - 5 * place) & 31)]
            }
        }
    }

    private func bits(from shift: Int) -> UInt64 {
        if shift >= 64 { return high &>> UInt64(shift - 64) }
        return shift == 0 ? low : low &>> UInt64(shift) | high &<< UInt64(64 - shift)
    }
}

extension RequestID: CustomStringConvertible {
    public var description: String {
        let text = [UInt8](capacity: Self.textLength) { write(to: &$0) } ?? []
        return String(decoding: text, as: UTF8.self)
    }
}

/// Makes the request ids of one event loop: each greater than the one before, even within a millisecond.
public struct RequestIDSource: Sendable {
    private var last = RequestID(high: 0, low: 0)

    public init() {}

    /// - Parameter unixMillis: the loop's clock; if it steps back, ids go on from the last.
    public mutating func next(unixMillis: UInt64, random: inout RandomSource) -> RequestID {
        let millis = unixMillis & 0xFFFF_FFFF_FFFF
        if millis > last.high >> 16 {
            last = RequestID(high: millis << 16 | random.next() & 0xFFFF, low: random.next())
        } else {
            // A random step keeps ids of different loops apart; the carry keeps the order.
            let (low, carried) = last.low.addingReportingOverflow(random.next() >> 24 | 1)
            last = RequestID(high: last.high &+ (carried ? 1 : 0), low: low)
        }
        return last
    }
}
