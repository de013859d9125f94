// SPDX-License-Identifier: Apache-2.0

/// Finds the addresses of names. Asked from no event loop's thread, by several at once.
public protocol NameResolver: Sendable {
    /// - Returns: addresses in numbers, IPv4 or IPv6, in the order in which to prefer them.
    /// - Throws: where the name has none, or nobody could be asked: what was known of it holds on.
    func addresses(of host: String) async throws -> [String]
}
