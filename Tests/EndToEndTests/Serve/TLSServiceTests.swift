// SPDX-License-Identifier: Apache-2.0

import Logging
import Synchronization
import Testing
import TurnpikeAPI
import TurnpikeIdentity
import TurnpikeModel
import TurnpikeTestSupport

@testable import turnpike

@Suite struct TLSServiceTests {
    @Test func `a certificate of the built-in CA is replaced at half of its life, and not before`() async throws {
        let clock = ManualWallClock()
        let source = CountedSource(try issued(at: clock.now))
        let service = try start(source, clock)
        let first = service.tls.expiry
        #expect(clock.now.duration(to: first) <= CertificateAuthority.serverLifetime)
        let running = Task { try await service.run() }
        // Looked at, and found good for long enough.
        clock.advance(by: CertificateAuthority.serverLifetime / 2 - .seconds(60))
        try await source.looks(3)
        #expect(service.tls.expiry == first && source.issued == 1)
        clock.advance(by: .seconds(120))
        try await until("the certificate is replaced") { service.tls.expiry > first }
        #expect(clock.now.duration(to: service.tls.expiry) > CertificateAuthority.serverLifetime - .seconds(2))
        try await source.looks(3)
        #expect(source.issued == 2)
        running.cancel()
        try await running.value
    }

    @Test func `a renewal that fails leaves the former certificate, and is tried again`() async throws {
        let clock = ManualWallClock()
        let source = CountedSource(try issued(at: clock.now))
        let service = try start(source, clock)
        let first = service.tls.expiry
        source.fail(true)
        let running = Task { try await service.run() }
        clock.advance(by: CertificateAuthority.serverLifetime / 2 + .seconds(60))
        try await until("the renewal has failed twice") { source.failures >= 2 }
        #expect(service.tls.expiry == first)
        source.fail(false)
        try await until("the certificate is replaced") { service.tls.expiry > first }
        running.cancel()
        try await running.value
    }

    @Test func `a certificate is taken anew when its files are to be read anew`() async throws {
        let clock = ManualWallClock()
        let source = CountedSource(try issued(at: clock.now))
        let (hangUps, told) = AsyncStream.makeStream(of: Void.self)
        let service = try start(source, clock, hangUps: hangUps)
        let first = service.tls.expiry
        let running = Task { try await service.run() }
        clock.advance(by: .seconds(60))
        told.yield()
        try await until("the certificate is replaced") { service.tls.expiry > first }
        running.cancel()
        try await running.value
    }

    private func issued(at now: Timestamp) throws -> IssuedCertificates {
        IssuedCertificates(
            authority: try CertificateAuthority(now: now), names: ["localhost", "127.0.0.1"], vouchesForWorkers: true)
    }

    private func start(
        _ source: CountedSource, _ clock: ManualWallClock, hangUps: AsyncStream<Void> = AsyncStream { _ in }
    ) throws -> TLSService {
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        var service = try TLSService.start(source, hangUps: hangUps, clock: clock, logger: logger)
        service.watch = .milliseconds(1)
        return service
    }
}

/// Counts what is asked of it, and fails where it is told to.
private final class CountedSource: CertificateSource {
    struct Counts {
        var looks = 0
        var issued = 0
        var failures = 0
        var isFailing = false
    }

    private let base: IssuedCertificates
    private let counts = Mutex(Counts())

    init(_ base: IssuedCertificates) { self.base = base }

    var issued: Int { counts.withLock(\.issued) }
    var failures: Int { counts.withLock(\.failures) }

    func fail(_ isFailing: Bool) { counts.withLock { $0.isFailing = isFailing } }

    /// Waits until a renewal has been thought of so many times more.
    func looks(_ count: Int) async throws {
        let start = counts.withLock(\.looks)
        try await until("the certificate's end is looked at") { counts.withLock(\.looks) >= start + count }
    }

    var renewal: Duration? {
        counts.withLock { $0.looks += 1 }
        return base.renewal
    }

    func material(now: Timestamp) throws(TLSFault) -> TLSMaterial {
        let isFailing = counts.withLock { counts in
            if counts.isFailing { counts.failures += 1 } else { counts.issued += 1 }
            return counts.isFailing
        }
        if isFailing { throw TLSFault("It cannot be had.") }
        return try base.material(now: now)
    }
}
