// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import Logging
import NIOCore
import Synchronization
import TurnpikeModel
import TurnpikeSnapshot
import TurnpikeTelemetry

/// Follows the control plane's stream for as long as its task runs: carries out what ``StreamSession`` says, and knows
/// nothing that the session does not.
final class StreamClient: Sendable {
    private let client: ControlPlaneClient
    private let sink: any ConfigurationSink
    private let store: LastGoodStore
    private let announcement: WorkerAnnouncement
    private let logger: Logger
    private let session: Mutex<StreamSession>
    /// Whether an answer to a probe is under way.
    private let answering = Mutex(false)
    private let connected: Gauge
    private let appliedRevision: Gauge
    private let rejections: Counter

    init(
        client: ControlPlaneClient, announcement: WorkerAnnouncement, sink: any ConfigurationSink, store: LastGoodStore,
        lastGood: Revision?,
        backOff: BackOff = BackOff(), logger: Logger, metrics: MetricsRegistry
    ) {
        self.client = client
        self.announcement = announcement
        self.sink = sink
        self.store = store
        self.logger = logger
        session = Mutex(StreamSession(lastGood: lastGood, backOff: backOff))
        connected = metrics.gauge(.controlPlaneConnected, help: "1 while the configuration stream is open.")
        appliedRevision = metrics.gauge(.configRevisionApplied, help: "The revision that is served.")
        rejections = metrics.counter(.configRejections, help: "Configurations that could not be served.")
        if let lastGood { appliedRevision.set(lastGood) }
    }

    /// Returns when its task is cancelled.
    func run() async {
        while !Task.isCancelled {
            for action in handle(.connecting) {
                if case .connect(let revision) = action { await follow(from: revision) }
            }
            connected.set(0)
            for action in handle(.disconnected) {
                if case .reconnect(let delay) = action { try? await Task.sleep(for: delay) }
            }
        }
    }

    private func handle(_ event: StreamSession.Event) -> [StreamSession.Action] {
        var random = SystemRandomNumberGenerator()
        return session.withLock { $0.handle(event, at: .now, using: &random) }
    }
}

// MARK: - One connection

extension StreamClient {
    private func follow(from revision: Revision?) async {
        do {
            let (deltas, queue) = AsyncStream.makeStream(of: Delta.self)
            // Of those that wait, the newest stands for all.
            let (acknowledgements, outbox) = AsyncStream.makeStream(
                of: Acknowledgement.self, bufferingPolicy: .bufferingNewest(1))
            let work = Work(deltas: queue, acknowledgements: outbox)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await self.read(from: revision, into: work) }
                // Beside the reading, so that what comes meanwhile becomes one change.
                group.addTask { for await delta in deltas { try await self.apply(delta, work) } }
                // Beside the applying, so that the next change does not wait for the control plane's answer.
                group.addTask { for await one in acknowledgements { await self.acknowledge(one) } }
                group.addTask { try await self.watch(work) }
                defer { group.cancelAll() }
                _ = try await group.next()
            }
            logger.info("The control plane has ended the configuration stream.")
        } catch {
            if !Task.isCancelled { report(error) }
        }
    }

    /// Takes what is to be done beside the reading.
    private struct Work {
        /// To be applied, one at a time.
        var deltas: AsyncStream<Delta>.Continuation
        /// To be sent, of what is served.
        var acknowledgements: AsyncStream<Acknowledgement>.Continuation
    }

    private func read(from revision: Revision?, into work: Work) async throws {
        do {
            let body = try await client.openStream(from: revision, announcement)
            connected.set(1)
            logger.info("The configuration stream is open.", metadata: [LogKey.revision: "\(revision ?? 0)"])
            try await perform(handle(.opened), work)
            var lines = LineSplitter(maximumBytes: Frame.maximumBytes)
            for try await piece in body {
                lines.append(piece.readableBytesView)
                while let event = next(&lines) { try await perform(handle(event), work) }
            }
            try await perform(handle(.ended), work)
        } catch let failure as ControlPlaneFailure where failure.isUnauthorized {
            try await perform(handle(.unauthorized), work)
        }
    }

    private func next(_ lines: inout LineSplitter) -> StreamSession.Event? {
        do {
            guard let line = try lines.next() else { return nil }
            return .frame(try Frame(line: line))
        } catch {
            return .garbled(error.description)
        }
    }

    /// Ends with an error once nothing has come for too long.
    private func watch(_ work: Work) async throws {
        while let deadline = session.withLock({ $0.deadline }) {
            try await Task.sleep(until: deadline, clock: .continuous)
            try await perform(handle(.tick), work)
        }
    }

    /// - Throws: the reason for which the connection is to be dropped.
    private func perform(_ actions: [StreamSession.Action], _ work: Work) async throws {
        for action in actions {
            switch action {
            case .apply(let delta): work.deltas.yield(delta)
            case .acknowledge(let acknowledgement) where acknowledgement.isApplied:
                work.acknowledgements.yield(acknowledgement)
            // With a rejection the connection ends: before, it is to be told why.
            case .acknowledge(let rejection): await acknowledge(rejection)
            case .persist(let delta): store.save(delta)
            case .answer(let probe): answer(probe)
            case .drop(let reason): throw reason
            case .connect, .reconnect: break
            }
        }
    }

    private func apply(_ delta: Delta, _ work: Work) async throws {
        let reasons = await sink.take(delta)
        guard reasons.isEmpty else {
            rejections.increment()
            try await perform(handle(.rejected(reasons.bounded)), work)
            return
        }
        appliedRevision.set(delta.revision)
        logger.info(
            "A configuration is applied.",
            metadata: [
                LogKey.revision: "\(delta.revision)", LogKey.count: "\(delta.set.count + delta.removed.count)",
            ]
        )
        try await perform(handle(.applied), work)
    }

    /// One that does not arrive is sent again with the next heartbeat.
    private func acknowledge(_ acknowledgement: Acknowledgement) async {
        do {
            try await client.acknowledge(acknowledgement)
            _ = handle(.acknowledged(acknowledgement))
        } catch {
            logger.debug(
                "An acknowledgement did not arrive.",
                metadata: [LogKey.revision: "\(acknowledgement.revision)", LogKey.error: "\(error)"]
            )
        }
    }

    /// Answers beside the stream, which must not wait for it: one probe at a time, within a second. Others that come
    /// meanwhile get no answer, and one that arrives too late is of no use.
    private func answer(_ probe: Probe) {
        guard
            answering.withLock({ isBusy in
                isBusy
                    ? false
                    : {
                        isBusy = true
                        return true
                    }()
            })
        else { return }
        Task {
            do {
                try await client.answer(probe, await sink.answer(probe))
            } catch {
                logger.debug("An answer to a probe did not arrive.", metadata: [LogKey.error: "\(error)"])
            }
            answering.withLock { $0 = false }
        }
    }

    private func report(_ error: any Error) {
        switch error {
        case StreamSession.Drop.revoked, StreamSession.Drop.unauthorized:
            logger.error(
                """
                The control plane does not accept this worker any more. It goes on serving by its last good \
                configuration and asks again from time to time; to take it in again, give it a new state directory \
                and a join token.
                """,
                metadata: [LogKey.error: "\(error)"]
            )
        case StreamSession.Drop.rejected:
            logger.error("A configuration is rejected; the last good one stays.", metadata: [LogKey.error: "\(error)"])
        default:
            logger.warning("The configuration stream is interrupted.", metadata: [LogKey.error: "\(error)"])
        }
    }
}

extension [Acknowledgement.Reason] {
    /// As many and as long as an acknowledgement may be.
    fileprivate var bounded: [Acknowledgement.Reason] {
        prefix(1000).map { reason in
            let detail = String(String.UnicodeScalarView(reason.detail.unicodeScalars.prefix(1024)))
            return Acknowledgement.Reason(name: reason.name, detail: detail.isEmpty ? "cannot be served" : detail)
        }
    }
}
