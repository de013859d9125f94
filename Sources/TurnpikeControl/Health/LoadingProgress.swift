// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// How far ``ControlPlane`` has come on its way to serving, for those who wait for it.
public final class LoadingProgress: Sendable, CustomStringConvertible {
    private enum Step {
        case opening
        case reading(Int, of: Int)
        case compiling
    }

    private let step = Mutex(Step.opening)

    public init() {}

    func note(_ count: Int, of total: Int) { step.withLock { $0 = .reading(count, of: total) } }

    func noteCompiling() { step.withLock { $0 = .compiling } }

    /// A sentence for people.
    public var description: String {
        switch step.withLock(\.self) {
        case .opening: "It is starting."
        case .reading(let count, let total): "It is loading: \(count) of \(total) resources are read."
        case .compiling: "It is loading: all resources are read, and are being compiled."
        }
    }
}
