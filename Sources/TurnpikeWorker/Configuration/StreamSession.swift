// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel
import TurnpikeSnapshot

/// The worker's side of the configuration stream, as a state machine: what happened goes in, what is to be done comes
/// out. It knows no socket, file or clock.
///
/// A configuration is served only after it was accepted as a whole. One that is rejected leaves nothing behind: the
/// last good one stays, the stream is dropped, and the next one starts from the revision of the last good one, so that
/// both sides agree on what the next delta rests upon.
struct StreamSession: Sendable {
    enum Event: Sendable, Equatable {
        /// A connection is being tried.
        case connecting
        /// The control plane has opened the stream.
        case opened
        case frame(Frame)
        /// What came is no frame.
        case garbled(String)
        /// The configuration that was to be applied is served now.
        case applied
        /// It cannot be served.
        case rejected([Acknowledgement.Reason])
        /// The control plane has taken an acknowledgement.
        case acknowledged(Acknowledgement)
        /// Time has passed.
        case tick
        /// The control plane has ended the stream, in good order: it shuts down, and the next one is on its way.
        case ended
        /// The connection is gone, or never was.
        case disconnected
        /// The control plane does not know the worker's credential.
        case unauthorized
    }

    enum Action: Sendable, Equatable {
        case connect(from: Revision?)
        case apply(Delta)
        case acknowledge(Acknowledgement)
        /// Keep it for the next start.
        case persist(Delta)
        /// Tell the control plane what it asks.
        case answer(Probe)
        /// Close the connection; `disconnected` is to follow.
        case drop(Drop)
        case reconnect(after: Duration)
    }

    enum Drop: Error, Sendable, Equatable, CustomStringConvertible {
        case silence, revoked, unauthorized
        case rejected(Revision)
        case garbled(String)

        var description: String {
            switch self {
            case .silence: "nothing came for \(StreamSession.longestSilence.text)"
            case .revoked: "the worker's identity was revoked"
            case .unauthorized: "the worker's credential is not accepted"
            case .rejected(let revision): "revision \(revision) cannot be served"
            case .garbled(let detail): detail
            }
        }
    }

    /// Three heartbeats.
    static let longestSilence = Frame.heartbeatInterval * 3
    /// A worker that was cut off asks rarely: only an operator can change the answer.
    static let revokedBackOff = BackOff(base: .seconds(60), cap: .seconds(60))

    /// What the worker serves by; `nil` where it has nothing.
    private(set) var lastGood: Revision?
    /// When the connection counts as dead; `nil` where there is none.
    private(set) var deadline: ContinuousClock.Instant?
    /// Whether the control plane has cut the worker off.
    private(set) var isCutOff = false

    /// What is being applied.
    private var candidate: Delta?
    /// What has come meanwhile: a worker that is slow goes on to the newest state, whatever has led there.
    private var next: MergedDelta?
    private var assembler = DeltaAssembler()
    private var unacknowledged: Acknowledgement?
    private var backOff: BackOff

    init(lastGood: Revision?, backOff: BackOff = BackOff()) {
        self.lastGood = lastGood
        self.backOff = backOff
    }

    mutating func handle(
        _ event: Event, at now: ContinuousClock.Instant, using random: inout some RandomNumberGenerator
    ) -> [Action] {
        switch event {
        case .connecting:
            deadline = now + StreamSession.longestSilence
            return [.connect(from: lastGood)]
        case .opened: return opened(at: now)
        case .frame(let frame):
            deadline = now + StreamSession.longestSilence
            return take(frame)
        case .garbled(let detail): return [.drop(.garbled(detail))]
        case .applied:
            deadline = now + StreamSession.longestSilence
            return applied()
        case .rejected(let reasons): return rejected(reasons)
        case .acknowledged(let acknowledgement):
            if unacknowledged == acknowledgement { unacknowledged = nil }
            return []
        case .tick: return deadline.map { $0 <= now } == true ? [.drop(.silence)] : []
        case .unauthorized:
            isCutOff = true
            return [.drop(.unauthorized)]
        case .ended:
            backOff.reset()
            return []
        case .disconnected: return [.reconnect(after: disconnected(using: &random))]
        }
    }

    /// The control plane may have restarted and forgotten what this worker serves by, so it is told again.
    private mutating func opened(at now: ContinuousClock.Instant) -> [Action] {
        isCutOff = false
        deadline = now + StreamSession.longestSilence
        unacknowledged = lastGood.map { Acknowledgement(revision: $0) }
        return unacknowledged.map { [.acknowledge($0)] } ?? []
    }

    private mutating func take(_ frame: Frame) -> [Action] {
        switch frame {
        case .revoked:
            isCutOff = true
            return [.drop(.revoked)]
        case .heartbeat:
            backOff.reset()
            return unacknowledged.map { [.acknowledge($0)] } ?? []
        case .probe(let probe): return [.answer(probe)]
        case .begin, .set, .remove, .commit:
            do {
                guard let delta = try assembler.take(frame) else { return [] }
                return try take(delta)
            } catch {
                return [.drop(.garbled(error.detail))]
            }
        }
    }

    private mutating func take(_ delta: Delta) throws(TurnpikeError) -> [Action] {
        guard delta.isSnapshot || lastGood != nil || candidate != nil else {
            throw TurnpikeError(.malformedRequest, "A delta came to a worker that has nothing to apply it to.")
        }
        guard candidate == nil else {
            if next == nil { next = MergedDelta(delta) } else { next?.append(delta) }
            return []
        }
        candidate = delta
        return [.apply(delta)]
    }

    private mutating func applied() -> [Action] {
        guard let delta = candidate else { return [] }
        candidate = next.take()?.delta
        lastGood = delta.revision
        backOff.reset()
        let acknowledgement = Acknowledgement(revision: delta.revision)
        unacknowledged = acknowledgement
        return [.acknowledge(acknowledgement), .persist(delta)] + (candidate.map { [.apply($0)] } ?? [])
    }

    private mutating func rejected(_ reasons: [Acknowledgement.Reason]) -> [Action] {
        guard let revision = candidate?.revision else { return [] }
        (candidate, next) = (nil, nil)
        unacknowledged = nil
        return [.acknowledge(Acknowledgement(revision: revision, reasons: reasons)), .drop(.rejected(revision))]
    }

    private mutating func disconnected(using random: inout some RandomNumberGenerator) -> Duration {
        deadline = nil
        (candidate, next) = (nil, nil)
        unacknowledged = nil
        assembler = DeltaAssembler()
        guard isCutOff else { return backOff.next(using: &random) }
        var slow = StreamSession.revokedBackOff
        return slow.next(using: &random)
    }
}
