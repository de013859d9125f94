// SPDX-License-Identifier: Apache-2.0

public import TurnpikeModel

extension TrustedProxies {
    /// Whom a request comes from, found as a gateway finds it, for servers that have a request's fields as texts.
    ///
    /// - Parameters:
    ///   - peer: whom the connection comes from.
    ///   - forwardedFor: the values of `X-Forwarded-For`, in their order.
    ///   - forwarded: those of `Forwarded`, looked at where there is none of the former.
    /// - Returns: the client as it is written in `X-Forwarded-For`; nil where it is the peer.
    public func client(behind peer: IPAddress, forwardedFor: [String], forwarded: [String]) -> String? {
        guard contains(peer.unmapped) else { return nil }
        var walk = ProxyWalk(trusting: self)
        if !forwardedFor.isEmpty {
            Self.visit(forwardedFor) { walk.goesOn(to: IPAddress(reported: $0)) }
        } else {
            Self.visit(forwarded) { text in
                guard let element = ForwardedElement(text) else { return false }
                return walk.goesOn(to: element.client)
            }
        }
        return walk.client.map { String(decoding: ClientAddress($0).text, as: UTF8.self) }
    }

    /// Visits the elements of all values as if they were one list, from its end, for as long as `visit` wants more.
    private static func visit(_ values: [String], _ visit: (UnsafeRawBufferPointer) -> Bool) {
        for value in values.reversed() {
            let goesOn = Array(value.utf8).withUnsafeBytes { bytes in
                var elements = ListElementsFromEnd(ByteRange(0, bytes.count), in: bytes)
                while let element = elements.next() { guard visit(element) else { return false } }
                return true
            }
            guard goesOn else { return }
        }
    }
}
