// SPDX-License-Identifier: Apache-2.0

/// One step of a request's way from its head to an upstream. A phase lets the request pass, or refuses it with an answer.
///
/// The cases stand in the order in which requests take them: what comes first costs least or tells least, and what takes
/// something that cannot be given back comes last. Those that carry out what operators ask for are named as operators name it.
/// A route is compiled to the phases that its requests take (``RequestPhases``). Phase `x` is in the file `XPhase.swift`.
public enum RequestPhase: UInt8, Sendable, CaseIterable {
    /// Finds the route, by host, path, method and conditions. First, since the route says what else there is to do; from here
    /// on refusals count as the tenant's requests. Every request takes it. Refuses with 400, 404 and 405, and with 503 where
    /// there is no configuration.
    case match
    /// Makes sure that the request can be counted. Before all that the request might be let through by, since nothing is let
    /// through uncounted. Every request takes it. Refuses with 503.
    case account
    /// Finds out who asks, by the API key. Before whatever tells of the route's policies or draws on them, so that nobody
    /// without a key learns of them or uses them up. Refuses with 401 and 403.
    case apiKey
    /// Bounds the request's content. Before the limits, so that a request that could not be forwarded draws on none. Refuses
    /// with 413.
    case maxContentBytes
    /// Takes one of each rate limit. Before the quotas: a rate comes back within seconds by itself, a unit of a quota does not.
    /// Refuses with 429.
    case rateLimit
    /// Spends a unit of each quota. After all that can refuse, since nothing gives a unit back. Refuses with 429, or lets the
    /// request wait for a grant, and then with 503.
    case quota
    /// Chooses the service and writes the head that it gets, or where a redirect leads. Last, since it is of no use to a
    /// request that is refused. Every request takes it. Refuses none.
    case forward

    /// As explanations tell it.
    public var name: String { "\(self)" }
}
