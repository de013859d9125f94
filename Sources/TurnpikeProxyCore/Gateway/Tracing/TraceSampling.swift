// SPDX-License-Identifier: Apache-2.0

/// Which requests are traced: those of which the sender says so in `traceparent`, and a share of those that bring no such
/// decision. What OpenTelemetry's tracing SDK calls `ParentBased` with `TraceIdRatioBased` at the root.
///
/// A new trace is judged by the last seven bytes of its id, which are random, so that others who sample by them
/// (OpenTelemetry's "Consistent Probability Sampling") come to decisions that agree with this one.
public struct TraceSampling: Sendable, Hashable {
    private static let randomBits: UInt64 = 56

    /// Of 2^56: traces whose random part is below are left out.
    private let threshold: UInt64

    /// - Parameter share: 0 for none to 1 for all; what lies outside counts as the nearer of these.
    public init(share: Double) {
        let whole = Double(UInt64(1) << Self.randomBits)
        // Neither comparison holds for what is not a number, which counts as none.
        threshold = share >= 1 ? 0 : share > 0 ? UInt64((1 - share) * whole) : 1 << Self.randomBits
    }

    /// Whether a request that brings no decision is traced.
    ///
    /// - Parameter trace: that it would begin.
    func takes(_ trace: TraceParent) -> Bool { trace.traceLow & (1 << Self.randomBits - 1) >= threshold }
}
