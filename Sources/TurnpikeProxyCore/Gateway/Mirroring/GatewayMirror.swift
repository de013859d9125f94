// SPDX-License-Identifier: Apache-2.0

/// A service that gets copies of a route's requests.
struct GatewayMirror: Sendable {
    let cluster: GatewayCluster
    /// 1 to 100.
    let percent: UInt64
}

/// What became of one copy of a request.
public enum MirrorOutcome: String, Sendable, CaseIterable {
    /// The service has answered, whatever it said.
    case answered
    /// It could not be reached, did not answer in time, or not in HTTP.
    case failed
    /// The request has more content than is held, and no copy was sent.
    case tooLarge = "too_large"
    /// As many copies are under way as there may be, or the service has as much in hand as it may have. None was sent.
    case overloaded
    /// The request ended before all of it was there, and no copy was sent.
    case incomplete
}
