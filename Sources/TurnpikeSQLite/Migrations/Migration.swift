// SPDX-License-Identifier: Apache-2.0

/// One step of the schema, from version `number - 1` to `number`. A step that a release has carried never changes.
struct Migration: Sendable {
    let number: Int
    let sql: String

    /// Every step, in order, numbered from 1 without gaps.
    static let all: [Migration] = [
        .m0001Resources, .m0002Ledger, .m0003Access, .m0004Sightings, .m0005ClockJumps,
    ]
}
