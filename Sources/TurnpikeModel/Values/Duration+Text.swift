// SPDX-License-Identifier: Apache-2.0

extension Duration {
    /// Whole milliseconds; what is finer is dropped. Clamped to 64 bits, 292 million years.
    public var inMilliseconds: Int64 { count(perSecond: 1000) }

    /// Whole nanoseconds. Clamped to 64 bits, 292 years.
    public var inNanoseconds: Int64 { count(perSecond: 1_000_000_000) }

    private func count(perSecond units: Int64) -> Int64 {
        let (seconds, attoseconds) = components
        let (whole, isTooLarge) = seconds.multipliedReportingOverflow(by: units)
        let (sum, overflows) = whole.addingReportingOverflow(attoseconds / (1_000_000_000_000_000_000 / units))
        return isTooLarge || overflows ? (seconds < 0 ? .min : .max) : sum
    }

    /// Reads `250ms`, `30s`, `5m`, `1h` or `7d`: a whole number and one unit, no sign, no space.
    public init?(text: String) {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        guard let count = Int64(digits), digits.count <= 12 else { return nil }
        switch text.dropFirst(digits.count) {
        case "ms": self = .milliseconds(count)
        case "s": self = .seconds(count)
        case "m": self = .seconds(count * 60)
        case "h": self = .seconds(count * 3600)
        case "d": self = .seconds(count * 86_400)
        default: return nil
        }
    }

    /// The duration as the API writes it, in the largest unit that is exact: `250ms`, `30s`, `1h`.
    public var text: String {
        let milliseconds = inMilliseconds
        if milliseconds == 0 { return "0s" }
        for (unit, size) in [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000)] as [(String, Int64)]
        where milliseconds % size == 0 {
            return "\(milliseconds / size)\(unit)"
        }
        return "\(milliseconds)ms"
    }
}
