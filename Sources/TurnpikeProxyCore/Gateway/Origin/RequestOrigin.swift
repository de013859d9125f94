// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel

/// Where a connection's requests come from: from its peer, or from whoever is behind that, where it is a trusted proxy.
///
/// The peer stays. What is behind it is found anew for each request, since a proxy sends those of all its clients on one
/// connection; what a client itself says of that is not looked at.
struct RequestOrigin {
    /// Whom the connection comes from, and what is spoken on it.
    let peer: ClientAddress
    let peerScheme: RequestForwarding.Scheme
    /// The peer is a trusted proxy, whose forwarding fields are believed.
    private(set) var trustsPeer = false
    /// Whom a trusted peer has sent the request for; nil where it told of no address.
    private(set) var reported: ClientAddress?
    /// What the client spoke, as far as is known.
    private(set) var scheme: RequestForwarding.Scheme

    init(peer: ClientAddress, over scheme: RequestForwarding.Scheme) {
        self.peer = peer
        peerScheme = scheme
        self.scheme = scheme
    }

    /// Whom the request comes from.
    var client: ClientAddress { reported ?? peer }
    /// Of the client; nil where it is not known.
    var address: IPAddress? { reported == nil ? peer.ip : reported?.ip }
    /// Of the client: whom a rate limit by address counts.
    var subject: ResourceID { reported?.subject ?? peer.subject }

    /// Takes nobody to be behind the peer.
    mutating func forget() {
        trustsPeer = false
        reported = nil
        scheme = peerScheme
    }

    /// Finds who is behind the peer by `X-Forwarded-For`, or by `Forwarded` (RFC 7239) where there is none of that, and what
    /// that client spoke by `X-Forwarded-Proto` or `proto`.
    ///
    /// A chain is read from its end, all of its lines as one, past the addresses of trusted proxies to the first that is another;
    /// where all are trusted, it is the leftmost. What cannot be read ends it. Costs one allocation.
    mutating func find(_ head: RequestHead, _ bytes: UnsafeRawBufferPointer, trusting proxies: TrustedProxies) {
        forget()
        guard let address = peer.ip, proxies.contains(address) else { return }
        trustsPeer = true
        var walk = ProxyWalk(trusting: proxies)
        var told: RequestForwarding.Scheme?
        if head.fields.present.has(.xForwardedFor) {
            head.fields.visitElements(of: .xForwardedFor, in: bytes) { walk.goesOn(to: IPAddress(reported: $0)) }
        } else if head.fields.present.has(.forwarded) {
            head.fields.visitElements(of: .forwarded, in: bytes) { text in
                guard let element = ForwardedElement(text) else { return false }
                // Each was written by a trusted proxy, and the furthest one by the client's own.
                told = element.scheme ?? told
                return walk.goesOn(to: element.client)
            }
        }
        if told == nil {
            head.fields.visitElements(of: .xForwardedProto, in: bytes) { text in
                told = RequestForwarding.Scheme(reported: text)
                return false
            }
        }
        scheme = told ?? peerScheme
        reported = walk.client.map { ClientAddress($0) }
    }
}

extension FieldTable {
    /// Visits the elements of all fields of a kind as if they were one list, from its end, for as long as `visit` wants more.
    fileprivate func visitElements(
        of known: KnownField, in bytes: UnsafeRawBufferPointer, _ visit: (UnsafeRawBufferPointer) -> Bool
    ) {
        guard present.has(known) else { return }
        for place in (0..<count).reversed() where self[place].known == known {
            var elements = ListElementsFromEnd(self[place].value, in: bytes)
            while let element = elements.next() { guard visit(element) else { return } }
        }
    }
}
