// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeModel
import TurnpikeTestSupport

@testable import TurnpikeProxyCore

/// Whom a request comes from, by what its peer says and by who the peer is.
@Suite struct RequestOriginTests {
    struct Chain: Sendable, CustomTestStringConvertible {
        let value: String
        let client: String
        var testDescription: String { String(value.prefix(60)) }

        init(_ value: String, _ client: String) {
            self.value = value
            self.client = client
        }
    }

    @Test(arguments: [
        Chain("203.0.113.9", "203.0.113.9"), Chain("203.0.113.9, 10.0.0.2", "203.0.113.9"),
        // Whatever a client makes up stands to the left of its own address.
        Chain("1.1.1.1, 203.0.113.9", "203.0.113.9"), Chain("1.1.1.1, 203.0.113.9, 10.0.0.2, 192.0.2.1", "203.0.113.9"),
        Chain("10.9.9.9, 203.0.113.9", "203.0.113.9"), Chain("garbage\", 203.0.113.9", "203.0.113.9"),
        Chain("\"1.1.1.1, 203.0.113.9, 10.0.0.2", "203.0.113.9"),
        // All trusted: the request began within.
        Chain("10.0.0.3", "10.0.0.3"), Chain("10.0.0.3, 10.0.0.2", "10.0.0.3"),
        // What cannot be read ends the way where it is.
        Chain("203.0.113.9, unknown", "10.0.0.1"), Chain("203.0.113.9, unknown, 10.0.0.2", "10.0.0.2"),
        Chain("unknown, 203.0.113.9", "203.0.113.9"), Chain("203.0.113.9, 10.0.0.256", "10.0.0.1"),
        Chain("203.0.113.9, 010.0.0.2", "10.0.0.1"), Chain("203.0.113.9 10.0.0.2", "10.0.0.1"), Chain("", "10.0.0.1"),
        // Empty elements are none.
        Chain(", ,203.0.113.9,, 10.0.0.2 ,\t,", "203.0.113.9"), Chain(",,", "10.0.0.1"),
        // Ports.
        Chain("203.0.113.9:4711", "203.0.113.9"), Chain("203.0.113.9:4711, 10.0.0.2:80", "203.0.113.9"),
        Chain("203.0.113.9:", "10.0.0.1"), Chain("203.0.113.9:123456", "10.0.0.1"), Chain("203.0.113.9:x", "10.0.0.1"),
        // IPv6.
        Chain("2001:DB8:0::7", "2001:db8::7"), Chain("[2001:db8::7]", "2001:db8::7"),
        Chain("[2001:db8::7]:4711", "2001:db8::7"), Chain("2001:db8::7, 2001:db8:a::1", "2001:db8::7"),
        Chain("2001:db8::7, [2001:db8:a::1]:80", "2001:db8::7"), Chain("[2001:db8::7", "10.0.0.1"),
        Chain("[2001:db8::7]x", "10.0.0.1"), Chain("[2001:db8::7]:", "10.0.0.1"), Chain("[203.0.113.9]", "10.0.0.1"),
        Chain("[]", "10.0.0.1"), Chain("fe80::1%eth0", "10.0.0.1"), Chain("2001:db8::7:4711", "2001:db8::7:4711"),
        // IPv4 in IPv6.
        Chain("::ffff:203.0.113.9", "203.0.113.9"), Chain("203.0.113.9, ::ffff:10.0.0.2", "203.0.113.9"),
    ])
    func `X-Forwarded-For leads past trusted proxies to the first other address`(chain: Chain) {
        #expect(OriginSample.found("X-Forwarded-For: \(chain.value)") == chain.client)
    }

    @Test func `all lines of X-Forwarded-For are one list, in their order`() {
        let found = OriginSample.found(
            "X-Forwarded-For: 1.1.1.1, 203.0.113.9", "X-A: b", "X-Forwarded-For:", "x-forwarded-for: 10.0.0.3, 10.0.0.2"
        )
        #expect(found == "203.0.113.9")
        #expect(OriginSample.found("X-Forwarded-For: 203.0.113.9", "X-Forwarded-For: 203.0.113.8") == "203.0.113.8")
    }

    @Test(arguments: ["203.0.113.9", "11.0.0.1", "2001:db8:b::1", "192.0.2.2", "unknown"])
    func `of a peer that is not trusted nothing is believed`(peer: String) {
        let fields = [
            "X-Forwarded-For: 1.1.1.1", "X-Forwarded-Proto: https", "Forwarded: for=1.1.1.1;proto=https",
            "X-Real-IP: 1.1.1.1",
        ]
        let origin = OriginSample.origin(of: fields, from: peer)
        #expect(!origin.trustsPeer && origin.client == OriginSample.client(peer) && origin.scheme == .http)
    }

    @Test func `a trusted peer that tells of nobody is the client itself`() {
        let origin = OriginSample.origin(of: ["X-Real-IP: 203.0.113.9"])
        #expect(origin.trustsPeer && origin.reported == nil && origin.client == OriginSample.client("10.0.0.1"))
    }

    @Test(arguments: [
        Chain("for=203.0.113.9", "203.0.113.9"), Chain("For=203.0.113.9;by=10.0.0.1;proto=http", "203.0.113.9"),
        Chain("for=1.1.1.1, for=203.0.113.9, for=10.0.0.2", "203.0.113.9"),
        Chain("by=10.0.0.9; for=\"203.0.113.9:4711\" ;host=\"a,b;for=1.1.1.1\"", "203.0.113.9"),
        Chain("for=\"[2001:db8::7]\"", "2001:db8::7"), Chain("for=\"[2001:db8::7]:4711\"", "2001:db8::7"),
        Chain("for=\"203.0.113.9:_obscured\"", "203.0.113.9"), Chain("for=\"203.0.113.9:_ob;scured\"", "10.0.0.1"),
        Chain("for=203.0.113.9;ext=\"a\\\"b, \\\\\", for=10.0.0.2;", "203.0.113.9"),
        // A client's quotes that do not close hide nothing that is behind them.
        Chain("for=\"1.1.1.1, for=203.0.113.9", "203.0.113.9"),
        Chain("for=\"1.1.1.1\\, for=203.0.113.9", "203.0.113.9"),
        Chain("for=1.1.1.1;x=\"\\\", for=203.0.113.9, for=10.0.0.2", "203.0.113.9"),
        // Who hides, and what makes no sense, ends the way.
        Chain("for=203.0.113.9, for=unknown", "10.0.0.1"),
        Chain("for=203.0.113.9, for=_hidden, for=10.0.0.2", "10.0.0.2"),
        Chain("for=203.0.113.9, proto=https", "10.0.0.1"), Chain("for=203.0.113.9;for=1.1.1.1", "10.0.0.1"),
        Chain("203.0.113.9", "10.0.0.1"), Chain("for=\"203.0.113.9", "10.0.0.1"), Chain("for=\"", "10.0.0.1"),
        Chain("for=\"203.0.113.\\9\"", "10.0.0.1"), Chain("=203.0.113.9", "10.0.0.1"), Chain(";;", "10.0.0.1"),
    ])
    func `Forwarded leads the same way where there is no X-Forwarded-For`(chain: Chain) {
        #expect(OriginSample.found("Forwarded: \(chain.value)") == chain.client)
        #expect(OriginSample.found("Forwarded: \(chain.value)", "X-Forwarded-For: 203.0.113.1") == "203.0.113.1")
        #expect(OriginSample.found("Forwarded: \(chain.value)", "X-Forwarded-For: ?") == "10.0.0.1")
    }

    struct Told: Sendable, CustomTestStringConvertible {
        let fields: [String]
        let isSecure: Bool?
        var testDescription: String { fields.joined(separator: " / ") }

        init(_ fields: String..., isSecure: Bool?) {
            self.fields = fields
            self.isSecure = isSecure
        }
    }

    @Test(arguments: [
        Told("X-Forwarded-Proto: https", isSecure: true), Told("X-Forwarded-Proto: HTTP", isSecure: false),
        Told("X-Forwarded-Proto: wss", isSecure: true), Told("X-Forwarded-Proto: ws", isSecure: false),
        Told("X-Forwarded-Proto: gopher", isSecure: nil), Told("X-Forwarded-Proto:", isSecure: nil),
        Told("X-A: b", isSecure: nil),
        // The nearest proxy's word is the last.
        Told("X-Forwarded-Proto: https, http", isSecure: false),
        Told("X-Forwarded-Proto: http", "X-Forwarded-Proto: https", isSecure: true),
        Told("Forwarded: for=203.0.113.9;proto=https", isSecure: true),
        Told("Forwarded: proto=\"http\"", isSecure: false),
        // The client's own proxy knows best what it spoke; what stands further to the left is the client's.
        Told("Forwarded: for=1.1.1.1;proto=http, for=203.0.113.9;proto=https, for=10.0.0.2;proto=http", isSecure: true),
        Told("Forwarded: for=203.0.113.9, for=10.0.0.2;proto=https", isSecure: true),
        Told("Forwarded: for=203.0.113.9", "X-Forwarded-Proto: https", isSecure: true),
        Told("Forwarded: for=203.0.113.9;proto=http", "X-Forwarded-Proto: https", isSecure: false),
        Told("Forwarded: proto=http;proto=https", isSecure: nil),
        Told("X-Forwarded-For: 203.0.113.9", "Forwarded: for=203.0.113.9;proto=https", isSecure: nil),
    ])
    func `what the client spoke is what its proxies say, else what is spoken on the connection`(told: Told) {
        for scheme in [RequestForwarding.Scheme.http, .https] {
            let origin = OriginSample.origin(of: told.fields, over: scheme)
            #expect(origin.scheme == (told.isSecure.map { $0 ? .https : .http } ?? scheme))
            #expect(origin.peerScheme == scheme)
        }
    }

    @Test func `no more hops are looked at than there are in any way that makes sense`() {
        let hops = (1...40).map { "10.0.1.\($0)" }
        let chain = (["203.0.113.9"] + hops).joined(separator: ", ")
        #expect(OriginSample.found("X-Forwarded-For: \(chain)") == "10.0.1.\(40 - ProxyWalk.mostHops + 1)")
        let most = (["203.0.113.9"] + hops.prefix(ProxyWalk.mostHops - 1)).joined(separator: ",")
        #expect(OriginSample.found("X-Forwarded-For: \(most)") == "203.0.113.9")
    }

    @Test func `there is a bound to the ranges that are trusted, and no set of none`() throws {
        let range = try #require(AddressRange("10.0.0.0/8"))
        #expect(TrustedProxies([]) == nil)
        #expect(TrustedProxies(Array(repeating: range, count: TrustedProxies.mostRanges)) != nil)
        #expect(TrustedProxies(Array(repeating: range, count: TrustedProxies.mostRanges + 1)) == nil)
    }
}
