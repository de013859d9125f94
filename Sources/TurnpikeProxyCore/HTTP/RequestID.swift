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
            let digits = alphabet.utf8Start
            func write(_ bits: UInt64, _ places: ClosedRange<Int>) {
                var bits = bits
                for place in places.reversed() {
                    target[place] = digits[Int(bits & 31)]
                    bits >>= 5
                }
            }
            // 26 digits of 5 bits hold 130: the first digit carries the top three only.
            write(low, 14...25)
            write(high << 4 | low >> 60, 2...13)
            write(high >> 56, 0...1)
        }
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
