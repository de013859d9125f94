// SPDX-License-Identifier: Apache-2.0

/// A name leads nowhere, or nobody waits any more.
struct NoAddress: Error, CustomStringConvertible {
    var description: String { "there is no address to connect to" }
}
