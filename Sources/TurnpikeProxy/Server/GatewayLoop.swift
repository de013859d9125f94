// SPDX-License-Identifier: Apache-2.0

/// The thread on which a gateway serves, and to which its state is confined, whatever the transport. Safe from any thread.
public protocol GatewayLoop: Sendable {
    /// Whether the caller runs on it.
    var isCurrent: Bool { get }

    /// Runs `body` on the loop when it is done with what it is at. A loop that has stopped drops it.
    func execute(_ body: @escaping @Sendable () -> Void)

    /// Runs `body` on the loop and waits for what comes of it.
    ///
    /// - Throws: what `body` throws; or an error of the transport's where the loop has stopped.
    func submit<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result
}

/// A value that is confined to a loop, on its way through code that runs elsewhere.
public struct LoopBound<Value>: @unchecked Sendable {
    // Invariant: `confined` is touched on the loop only; `value` checks that in release builds too. What it is released by
    // may be any thread, once the loop has let go of it.
    private let confined: Value
    public let loop: any GatewayLoop

    public init(_ value: Value, on loop: any GatewayLoop) {
        confined = value
        self.loop = loop
    }

    /// - Precondition: called on the loop.
    public var value: Value {
        precondition(loop.isCurrent, "the value is confined to another thread")
        return confined
    }
}
