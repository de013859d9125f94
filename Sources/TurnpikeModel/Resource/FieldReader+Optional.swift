// SPDX-License-Identifier: Apache-2.0

// Scalars that may be absent without a default taking their place.

extension FieldReader {
    public mutating func optionalDuration(_ name: String, in range: ClosedRange<Duration>) -> Duration? {
        guard isPresent(name) else { return nil }
        return duration(name, in: range)
    }

    public mutating func optionalInteger(_ name: String, in range: ClosedRange<Int64>) -> Int64? {
        guard isPresent(name) else { return nil }
        return integer(name, in: range)
    }

    /// A name by which something may be called, see ``Name``.
    public mutating func optionalName(_ name: String) -> String? {
        guard isPresent(name) else { return nil }
        return self.name(name)
    }

    /// Whether the field is there; `null` counts as read, so that it is told from a field that nobody knows.
    private mutating func isPresent(_ name: String) -> Bool {
        if has(name) { return true }
        ignore(name)
        return false
    }
}
