// SPDX-License-Identifier: Apache-2.0

extension Gateway {
    /// Refuses content of which more is announced than the route takes (RFC 9110 §15.5.14).
    ///
    /// Where no length is announced (chunks, and HTTP/2 without `content-length`), the content is followed with that bound: it is
    /// cut off where it goes beyond, and what the request has spent by then stays spent.
    func boundContent(
        _ framing: BodyFraming, by route: GatewayRoute, content: inout BodyReader
    ) throws(Refusal) {
        guard let most = route.maxContentBytes else { return }
        guard !framing.announces(moreThan: most) else { throw .contentTooLarge(most) }
        content.limitPayload(to: most)
    }
}
