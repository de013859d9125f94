// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel

/// How long to stay away from a control plane that broke off, before the next try: twice as long each time, and a random part of
/// it less, lest all who follow come back at once.
struct ReconnectPause: Sendable {
    static let first = Duration.milliseconds(500)
    static let longest = Duration.seconds(30)

    private var next = first

    /// The pause before the next try: between half of what it has grown to and all of it.
    mutating func take(using random: inout some RandomNumberGenerator) -> Duration {
        defer { next = min(next * 2, ReconnectPause.longest) }
        return next * Double.random(in: 0.5...1, using: &random)
    }

    /// Something came: the next pause is short again.
    mutating func reset() { next = ReconnectPause.first }
}
