// SPDX-License-Identifier: Apache-2.0

/// A condition that did not come true in time.
public struct NeverTrue: Error, CustomStringConvertible {
    public var what: String
    public var patience: Duration

    public var description: String { "Waited \(patience) in vain until \(what)." }
}

/// How long the tests wait for what should come within moments, on a machine that has other things to do.
public let patience = Duration.seconds(60)

/// Asks again until `condition` gives a value, and returns it.
///
/// - Throws: `NeverTrue` after `limit`, or what `condition` throws.
public func until<Value>(
    _ what: String, within limit: Duration = patience, _ condition: () async throws -> Value?
) async throws -> Value {
    let deadline = ContinuousClock.now + limit
    while true {
        if let value = try await condition() { return value }
        guard ContinuousClock.now < deadline else { throw NeverTrue(what: what, patience: limit) }
        try await Task.sleep(for: .milliseconds(10))
    }
}

/// Asks again until `condition` is true.
public func until(_ what: String, within limit: Duration = patience, _ condition: () async throws -> Bool) async throws
{
    _ = try await until(what, within: limit) { try await condition() ? true : nil } as Bool
}
