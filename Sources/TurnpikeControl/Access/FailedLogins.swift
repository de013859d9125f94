// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel

/// Slows down who tries credentials: an address may fail a number of times at once, and once a second from then on.
///
/// A credential has 178 random bits, so nobody guesses one; this keeps who tries from costing others time and log. Each address
/// has a theoretical arrival time as in GCRA: the moment at which all its failures are forgotten.
struct FailedLogins: Sendable {
    static let burst = 20
    static let interval = Duration.seconds(1)
    /// Addresses that are remembered; beyond that, those closest to being forgotten go first.
    static let mostAddresses = 10_000

    /// By who an address stands for.
    private var forgottenAt: [String: Timestamp] = [:]

    var count: Int { forgottenAt.count }

    /// How long an address has to wait before its next try; `nil`: it may try now.
    mutating func delay(of address: String, at now: Timestamp) -> Duration? {
        guard let end = end(for: Self.caller(at: address), at: now) else { return nil }
        let excess = now.duration(to: end) - Self.interval * (Self.burst - 1)
        return excess > .zero ? excess : nil
    }

    mutating func note(_ address: String, at now: Timestamp) {
        let caller = Self.caller(at: address)
        let start = max(end(for: caller, at: now) ?? now, now)
        if forgottenAt[caller] == nil, forgottenAt.count >= Self.mostAddresses { makeRoom(at: now) }
        forgottenAt[caller] = start.advanced(by: Self.interval)
    }

    /// Whom an address stands for: of IPv6, all with the same first 64 bits, for so many are given to one customer at least (RFC
    /// 6177), who could take a new one for each try.
    private static func caller(at address: String) -> String {
        guard let bits = IPAddress(address)?.unmapped else { return address }
        return bits.family == .v4 ? String(bits.low, radix: 16) : String(bits.high, radix: 16) + "::"
    }

    /// When a caller is forgotten. Farther ahead than a burst leads it lies only where the clock has gone back, and
    /// nobody shall wait until the clock is there again.
    private mutating func end(for caller: String, at now: Timestamp) -> Timestamp? {
        guard let end = forgottenAt[caller] else { return nil }
        let farthest = now.advanced(by: Self.interval * Self.burst)
        guard end > farthest else { return end }
        forgottenAt[caller] = farthest
        return farthest
    }

    private mutating func makeRoom(at now: Timestamp) {
        forgottenAt = forgottenAt.filter { $0.value > now }
        guard forgottenAt.count >= Self.mostAddresses else { return }
        for entry in forgottenAt.sorted(by: { $0.value < $1.value }).prefix(Self.mostAddresses / 10) {
            forgottenAt[entry.key] = nil
        }
    }
}
