// SPDX-License-Identifier: Apache-2.0

import TurnpikeProxyCore

/// What the parts that all transports share need of the loop they run on. To be called on the loop, except where
/// ``GatewayLoop`` says otherwise.
protocol EngineLoop: GatewayLoop {
    /// Nanoseconds of a clock that never goes back: the one that deadlines are told by.
    var now: UInt64 { get }

    /// Runs `body` once `deadline` has come, and not before the present event is over.
    func schedule(at deadline: UInt64, _ body: @escaping () -> Void)

    /// Connects to the first of these addresses that answers, to let a question run its course: it is told what happens, and
    /// says when to close.
    ///
    /// - Parameter addresses: in numbers.
    func open(_ run: ProbeRun, to address: EndpointAddress)
}
