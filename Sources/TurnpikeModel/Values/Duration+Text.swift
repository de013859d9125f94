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

    private static let units: [(name: String, milliseconds: Int64)] = [
        ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1),
    ]

    /// Reads `250ms`, `30s`, `5m`, `1h` or `7d`: a whole number of at most twelve digits and one unit, no sign, no space.
    public init?(text: String) {
        let digits = text.utf8.prefix { (0x30...0x39).contains($0) }
        let name = text[digits.endIndex...]
        guard (1...12).contains(digits.count), let unit = Self.units.first(where: { $0.name == name }) else {
            return nil
        }
        self = .milliseconds(unit.milliseconds) * digits.reduce(0) { 10 * $0 + Int($1 - 0x30) }
    }

    /// The duration as the API writes it, in the largest unit that is exact: `250ms`, `30s`, `1h`.
    public var text: String {
        let milliseconds = inMilliseconds
        guard milliseconds != 0, let unit = Self.units.first(where: { milliseconds % $0.milliseconds == 0 }) else {
            return "0s"
        }
        return String(milliseconds / unit.milliseconds) + unit.name
    }
}
