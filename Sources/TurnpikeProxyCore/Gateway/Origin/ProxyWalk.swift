// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel

/// Goes back the way that a request has come, from the proxy that sent it to whoever was the first that is no trusted proxy.
///
/// Each proxy appends the address of its own client, so the last one is a trusted proxy's word, and the one before it only if that
/// address is a trusted proxy's too. Whatever stands further to the left, a client may have made up.
struct ProxyWalk {
    /// Addresses that are looked at. Who needs more has a loop, or makes the gateway work.
    static let mostHops = 32

    private let proxies: TrustedProxies
    private var hops = 0
    /// The furthest address that a trusted proxy has told; nil where the first was unreadable.
    private(set) var client: IPAddress?

    init(trusting proxies: TrustedProxies) { self.proxies = proxies }

    /// Takes the next address to the left.
    ///
    /// - Parameter address: nil where it cannot be read, which ends the walk where it is.
    /// - Returns: whether that was a trusted proxy's, so that the walk goes on.
    mutating func goesOn(to address: IPAddress?) -> Bool {
        guard let address, hops < Self.mostHops else { return false }
        hops += 1
        client = address
        return proxies.contains(address)
    }
}

extension IPAddress {
    /// Reads what a proxy says of its client, in `X-Forwarded-For` or as a node of RFC 7239 §6: an address, perhaps with a port,
    /// and with brackets where it is of IPv6 and has one. `unknown` and made-up names are no addresses.
    init?(reported text: UnsafeRawBufferPointer) {
        var (name, rest) = (text, UnsafeRawBufferPointer(rebasing: text[text.endIndex...]))
        if text.first == ASCII.openBracket {
            guard let end = text.firstIndex(of: ASCII.closeBracket) else { return nil }
            (name, rest) = (text[ByteRange(1, end)], text[ByteRange(end + 1, text.count)])
            guard name.contains(ASCII.colon) else { return nil }
        } else if let colon = text.firstIndex(of: ASCII.colon), text.lastIndex(of: ASCII.colon) == colon {
            (name, rest) = (text[ByteRange(0, colon)], text[ByteRange(colon, text.count)])
        }
        guard Self.isPort(rest), let address = IPAddress(name) else { return nil }
        self = address.unmapped
    }

    /// Nothing, or `:` with a number or a name that stands for one (RFC 7239 §6.2, §6.3).
    private static func isPort(_ text: UnsafeRawBufferPointer) -> Bool {
        guard let first = text.first else { return true }
        guard first == ASCII.colon, text.count > 1 else { return false }
        let port = text[ByteRange(1, text.count)]
        if port[0] == UInt8(ascii: "_") { return port.allSatisfy { ASCII.isHostName($0) } }
        return port.count <= 5 && port.allSatisfy { ASCII.isDigit($0) }
    }
}
