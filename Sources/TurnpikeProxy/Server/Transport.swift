// SPDX-License-Identifier: Apache-2.0

/// What moves a gateway's bytes. All transports serve alike; they differ in cost and in where they run.
public enum Transport: String, Sendable, Hashable, CaseIterable {
    /// The fastest that this platform has: `epoll` on Linux, `nio` elsewhere.
    case automatic
    /// SwiftNIO, on every platform.
    case nio
    /// An event loop of our own on Linux's epoll.
    case epoll

    /// Those that run here, by their own names.
    public static var available: [Transport] {
        #if os(Linux)
        [.nio, .epoll]
        #else
        [.nio]
        #endif
    }

    /// What `automatic` stands for here; any other stands for itself.
    var resolved: Transport {
        guard case .automatic = self else { return self }
        return Transport.available.contains(.epoll) ? .epoll : .nio
    }
}

/// A transport was asked for that this platform lacks.
public struct TransportUnavailable: Error, CustomStringConvertible {
    public let transport: Transport
    public var description: String { "the transport '\(transport.rawValue)' does not exist on this platform" }
}
