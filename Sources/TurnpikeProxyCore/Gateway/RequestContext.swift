// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel

/// What is known of the request that a connection is serving; made by each head, filled in phase by phase.
struct RequestContext {
    var id = RequestID(high: 0, low: 0)
    /// Nanoseconds, and wall clock, when the head was complete.
    var startedAt: UInt64 = 0
    var receivedAt = Timestamp(milliseconds: 0)
    /// Of the configuration that its route is of, whatever is configured meanwhile.
    var revision: Revision?
    var path = PathNormaliser.Outcome.unchanged
    var route: GatewayRoute?
    /// Nil where it is held to none.
    var limits: RouteLimits?
    var key: GatewayKey?
    /// The field that carried the key, which the upstream does not get to see.
    var credential: KnownFieldSet = []
    /// The backend that the route's stickiness leads to, by its place.
    var stickyBackend: Int?
    /// What the answer has to give the client to keep.
    var newCookie: StickyCookie?
    /// The protocol that the client may switch to, as the upstream is asked.
    var upgrade: [UInt8]?
    /// Where it is traced.
    var trace: TraceRecording?
    /// For the access log, where there is one.
    var loggedTrace: TraceParent?
    /// An operator has asked to be told what becomes of it.
    var isDebugged = false
    /// Passed all phases: it counts against quotas and is forwarded.
    var isAdmitted = false

    /// Chosen last.
    var service: ServiceBalancer?
    /// Of the part of the request by which its service finds an endpoint.
    var hash: UInt64?
    /// Where it counts as a request in flight, and as what else.
    var countedAt: ServiceLoad?
    var isPending = false
    var isRetrying = false
    /// Where the service's endpoint is being tried, its place.
    var place: Int?
    /// The last one that was tried.
    var lastPlace: Int?
    /// Places of the service's endpoints that were tried.
    var tried = EndpointSet()
    /// Connections, and those of them that were tried because another try had failed.
    var attempts = 0
    /// Whether any of it may have reached an upstream, and whether any of it had before the last connection was chosen.
    var wasSent = false
    var wasSentBefore = false
    var retries = 0
    /// Of the last try, where that failed.
    var failure: UpstreamFailure?
    /// Nanoseconds: when the try, and when the request as a whole, is over at the latest.
    var tryEndsAt = UInt64.max
    var giveUpAt = UInt64.max
    /// Content is kept for another try.
    var holdsContent = false
    /// It was sent on an idle connection that turned out to be closed, and once more on another.
    var wasStale = false
    /// The client was told to send its content.
    var isInvited = false
    var interimAnswers = 0
    var sentUpstreamAt: UInt64 = 0
    var upstreamDuration: UInt64?
    var upstreamStatus: Int?
    /// Given to the client; zero until then.
    var status = 0
    var bytesIn: Int64 = 0
    var bytesOut: Int64 = 0
    var refusal: ErrorCode?
    var detail: String?

    var cluster: GatewayCluster? { service?.cluster }

    /// Nil where none was tried.
    var lastEndpoint: EndpointAddress? {
        guard let service, let lastPlace, lastPlace < service.endpoints.count else { return nil }
        return service.endpoints[lastPlace].address
    }
}
