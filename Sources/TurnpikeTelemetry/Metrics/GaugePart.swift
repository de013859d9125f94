// SPDX-License-Identifier: Apache-2.0

/// One of several parts that a gauge is the sum of, such as what one event loop has of something. Withdrawn from the sum when
/// it is released. Confined to one thread at a time; parts of one gauge need know nothing of each other.
public final class GaugePart {
    private let gauge: Gauge
    /// What this part adds to the sum. Zero at first.
    public private(set) var value = 0

    public init(of gauge: Gauge) { self.gauge = gauge }

    public func set(_ value: Int) {
        guard value != self.value else { return }
        gauge.add(Double(value - self.value))
        self.value = value
    }

    deinit { gauge.add(Double(-value)) }
}
