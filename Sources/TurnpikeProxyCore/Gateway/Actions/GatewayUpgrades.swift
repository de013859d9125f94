// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel

/// The protocols to which a route lets connections switch, made ready.
struct GatewayUpgrades: Sendable {
    /// In lower case.
    private let tokens: [[UInt8]]
    /// Nanoseconds that a tunnel may be silent.
    let idleTimeout: UInt64

    init(_ upgrades: Upgrades) {
        tokens = upgrades.protocols.map { Array($0.lowercased().utf8) }
        idleTimeout = UInt64(max(upgrades.idleTimeout.inNanoseconds, 1))
    }

    /// The protocol that the upstream is asked for: of those that the client offers, the first that is allowed. Only the one,
    /// so that an upstream cannot choose what was not meant. Nil where the request goes on as if nothing had been offered, as
    /// RFC 9110 §7.8 permits.
    ///
    /// A request with content never switches: until its last byte it speaks HTTP, and an upstream that thought otherwise would
    /// take the rest for something else than the gateway does. A WebSocket begins with GET (RFC 6455 §4.1).
    func choose(_ head: RequestHead, _ bytes: UnsafeRawBufferPointer) -> [UInt8]? {
        guard head.isUpgrade, !head.hasBody else { return nil }
        for field in head.fields where field.known == .upgrade {
            for offer in ListElements(field.value, in: bytes) {
                guard let token = tokens.first(where: { $0.withUnsafeBytes(offer.equalsIgnoringCase) }) else {
                    continue
                }
                if head.method == .get || token != Self.webSocket { return token }
            }
        }
        return nil
    }

    private static let webSocket = Array("websocket".utf8)
}

extension ResponseHead {
    /// Whether a 101 switches to this protocol, and to nothing else.
    func switches(to token: [UInt8], _ bytes: UnsafeRawBufferPointer) -> Bool {
        guard isUpgrade, fields.count(of: .upgrade) == 1, let field = fields.first(.upgrade) else { return false }
        return token.withUnsafeBytes(bytes[field.value].equalsIgnoringCase)
    }
}

extension ByteWriter {
    /// The two fields by which a message asks for another protocol, or agrees to it.
    mutating func appendUpgrade(_ token: [UInt8]) {
        append("Connection: upgrade\r\n")
        token.withUnsafeBytes { appendField("Upgrade", $0) }
    }
}
