// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel

/// By what a route keeps requests with one of its backends.
///
/// The value's hash is a place on a line on which each backend holds a stretch as long as its weight, one after the other:
/// so the same value leads to the same backend at every gateway, for as long as backends and weights stay, and also at
/// other routes that have the same. A backend that cannot be used gives its requests to the others meanwhile.
struct GatewayStickiness: Sendable {
    private enum Source: Sendable { case header, cookie }

    private let source: Source
    private let name: [UInt8]
    /// Seconds; of cookies with a lifetime.
    private let maxAge: UInt64?
    private let weights: [UInt64]
    private let totalWeight: UInt64

    init(_ stickiness: Stickiness, weights: [Int]) {
        self.weights = weights.map { UInt64(max($0, 0)) }
        totalWeight = self.weights.reduce(0, +)
        switch stickiness.key {
        case .header(let name):
            source = .header
            self.name = Array(name.utf8)
            maxAge = nil
        case .cookie(let name, let lifetime):
            source = .cookie
            self.name = Array(name.utf8)
            maxAge = lifetime.map { UInt64(max($0.inMilliseconds / 1000, 1)) }
        }
    }

    /// Where a request belongs.
    struct Choice {
        /// Place among the route's backends.
        let backend: Int
        /// The cookie that the answer has to set.
        let newCookie: StickyCookie?
    }

    /// Nil where the request has no value, or no backend any weight.
    func choose(
        _ head: RequestHead, _ bytes: UnsafeRawBufferPointer, random: inout RandomSource
    ) -> Choice? {
        guard totalWeight > 0 else { return nil }
        let found = name.withUnsafeBytes { name in
            switch source {
            case .header: head.fields.first(named: name, in: bytes).map { bytes[$0.value] }
            case .cookie: head.fields.cookie(named: name, in: bytes)
            }
        }
        if let found, !found.isEmpty { return Choice(backend: backend(Self.hash(found)), newCookie: nil) }
        guard source == .cookie else { return nil }
        let cookie = StickyCookie(value: random.next())
        let hash = withUnsafeTemporaryAllocation(byteCount: StickyCookie.length, alignment: 1) { memory in
            var writer = ByteWriter(memory)
            cookie.write(to: &writer)
            return Self.hash(UnsafeRawBufferPointer(memory))
        }
        return Choice(backend: backend(hash), newCookie: cookie)
    }

    private func backend(_ hash: UInt64) -> Int {
        var place = hash.multipliedFullWidth(by: totalWeight).high
        for (backend, weight) in weights.enumerated() {
            if place < weight { return backend }
            place -= weight
        }
        return 0
    }

    /// FNV-1a, mixed once more since it is the high bits that count. Without a seed: all gateways must agree.
    private static func hash(_ value: UnsafeRawBufferPointer) -> UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in value { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        hash = (hash ^ hash >> 33) &* 0xFF51_AFD7_ED55_8CCD
        hash = (hash ^ hash >> 33) &* 0xC4CE_B9FE_1A85_EC53
        return hash ^ hash >> 33
    }

    /// Bytes that ``writeCookie(_:over:to:)`` writes at most.
    var sizeBound: Int { name.count + 112 }

    /// The `Set-Cookie` field (RFC 6265 §4.1). Scripts need not see it, other sites' requests need not bring it, and a client
    /// that came over TLS brings it back over TLS only.
    func writeCookie(
        _ cookie: StickyCookie, over scheme: RequestForwarding.Scheme, to writer: inout ByteWriter
    ) {
        writer.append("Set-Cookie: ")
        name.withUnsafeBytes { writer.append($0) }
        writer.append(ASCII.equals)
        cookie.write(to: &writer)
        writer.append("; Path=/; HttpOnly; SameSite=Lax")
        if scheme == .https { writer.append("; Secure") }
        if let maxAge {
            writer.append("; Max-Age=")
            writer.append(decimal: maxAge)
        }
        writer.append("\r\n")
    }
}

/// A value that the gateway has made for a client that had none. It may be guessed: it opens nothing.
struct StickyCookie {
    static let length = 16
    let value: UInt64

    func write(to writer: inout ByteWriter) { writer.append(hex: value, digits: Self.length) }
}
