// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeModel
import TurnpikeTestSupport

@testable import TurnpikeControl

@Suite struct FailedLoginTests {
    private let start = Timestamp(seconds: 1_800_000_000)

    @Test func `an address may fail a number of times at once, then once a second`() {
        var failed = FailedLogins()
        for _ in 0..<FailedLogins.burst {
            #expect(failed.delay(of: "a", at: start) == nil)
            failed.note("a", at: start)
        }
        #expect(failed.delay(of: "a", at: start) == .seconds(1))
        #expect(failed.delay(of: "b", at: start) == nil)
        let later = start.advanced(by: .seconds(1))
        #expect(failed.delay(of: "a", at: later) == nil)
        failed.note("a", at: later)
        #expect(failed.delay(of: "a", at: later) == .seconds(1))
        let muchLater = start.advanced(by: .seconds(100))
        for _ in 0..<FailedLogins.burst {
            #expect(failed.delay(of: "a", at: muchLater) == nil)
            failed.note("a", at: muchLater)
        }
        #expect(failed.delay(of: "a", at: muchLater) != nil)
    }

    @Test(arguments: [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::7", true), ("2001:db8:1:2::1", "2001:db8:1:3::1", false),
        ("::ffff:192.0.2.1", "192.0.2.1", true), ("192.0.2.1", "192.0.2.2", false), ("192.0.2.1", "::1", false),
    ])
    func `who has a network of IPv6 addresses is one caller`(first: String, second: String, isOne: Bool) {
        var failed = FailedLogins()
        for _ in 0..<FailedLogins.burst { failed.note(first, at: start) }
        #expect((failed.delay(of: second, at: start) != nil) == isOne)
        #expect(failed.delay(of: first, at: start) != nil)
    }

    @Test func `a clock that goes back locks nobody out`() {
        var failed = FailedLogins()
        for _ in 0..<FailedLogins.burst { failed.note("a", at: start) }
        let yesterday = start.advanced(by: .seconds(-86_400))
        #expect(failed.delay(of: "a", at: yesterday) == .seconds(1))
        #expect(failed.delay(of: "a", at: yesterday.advanced(by: .seconds(1))) == nil)
    }

    @Test func `however many addresses fail, few are remembered`() {
        var failed = FailedLogins()
        for number in 0..<FailedLogins.mostAddresses * 3 { failed.note("\(number)", at: start) }
        for _ in 0..<FailedLogins.burst { failed.note("a", at: start) }
        #expect(failed.delay(of: "a", at: start) != nil)
        #expect(failed.count <= FailedLogins.mostAddresses)
    }

    @Test func `who fails too often is told to wait, and a good credential is taken all the same`() async throws {
        let test = try await TestPlane.start()
        func refusedFrom(_ address: String) async throws -> TurnpikeError {
            try await refusal { () throws(TurnpikeError) in
                try test.plane.authenticate(bearer: "tp_op_wrong", from: address)
            }
        }
        for _ in 0..<FailedLogins.burst {
            #expect(try await refusedFrom("192.0.2.1").code == .unauthenticated)
        }
        let limited = try await refusedFrom("192.0.2.1")
        #expect(limited.code == .rateLimited && limited.retryAfter == .seconds(1))
        _ = try test.plane.authenticate(bearer: test.token, from: "192.0.2.1")
        #expect(try await refusedFrom("192.0.2.1").code == .rateLimited)
        #expect(try await refusedFrom("192.0.2.2").code == .unauthenticated)
        test.clock.advance(by: .seconds(1))
        #expect(try await refusedFrom("192.0.2.1").code == .unauthenticated)
    }
}
