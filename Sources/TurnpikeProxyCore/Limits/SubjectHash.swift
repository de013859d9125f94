// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel

/// A fast keyed hash of whom a rate limit counts. Without its secrets nobody can choose addresses that collide.
struct SubjectHash: Sendable {
    private let secrets: (UInt64, UInt64, UInt64, UInt64)

    init(seed: UInt64) {
        var random = RandomSource(seed: seed)
        secrets = (random.next(), random.next(), random.next(), random.next())
    }

    @inline(__always)
    func callAsFunction(_ key: RateLimitKey) -> UInt64 {
        let policy = ByteHash.fold(key.policy.high ^ secrets.0, key.policy.low ^ secrets.1)
        let subject = ByteHash.fold(key.subject.high ^ secrets.2 ^ policy, key.subject.low ^ secrets.3)
        return ByteHash.fold(subject ^ secrets.1, policy ^ secrets.2)
    }
}
