// SPDX-License-Identifier: Apache-2.0

import NIOCore
import TurnpikeModel
import TurnpikeSnapshot

/// A worker that speaks the real protocol and serves nobody: it follows its stream, puts deltas together, takes each
/// whole, and acknowledges it.
///
/// `@unchecked Sendable`: all state is touched on the event loop only; the asynchronous functions go there.
final class SimulatedWorker: @unchecked Sendable {
    /// How much of what it is told a worker keeps.
    enum Memory {
        case everything
        /// Only the revision, where the worker is there to count bytes.
        case revision
    }

    let identity: WorkerIdentity
    private let port: Int
    private let loop: any EventLoop
    private let memory: Memory
    private let recent: FrameReader.Recent
    private let onAcknowledged: (Revision) -> Void

    private var stream: Connection?
    private var acknowledgements: Connection?
    private var reader = FrameReader()
    private var assembler = DeltaAssembler()
    private var state = Snapshot()
    private var hasState = false
    private var unacknowledged: Revision?
    private var isAcknowledging = false
    private var received = 0

    /// - Parameters:
    ///   - recent: shared by workers of one loop.
    ///   - onAcknowledged: called on the loop, each time the control plane has taken an acknowledgement.
    init(
        _ identity: WorkerIdentity, port: Int, on loop: any EventLoop, memory: Memory = .everything,
        recent: FrameReader.Recent, onAcknowledged: @escaping (Revision) -> Void = { _ in }
    ) {
        self.identity = identity
        self.port = port
        self.loop = loop
        self.memory = memory
        self.recent = recent
        self.onAcknowledged = onAcknowledged
    }

    /// Opens the stream, from the revision that the worker has; it is followed until it ends.
    func connect() async throws {
        let stream = try await Connection.open(port: port, on: loop)
        let acknowledgements = try await Connection.open(port: port, on: loop)
        try await loop.submit { self.follow(stream, acknowledgements) }.get()
    }

    /// What the worker has by now, and the bytes that the stream has brought so far.
    func look() async throws -> (state: Snapshot, received: Int, isConnected: Bool) {
        try await loop.submit { (self.state, self.received, self.stream != nil) }.get()
    }

    func stop() async throws {
        try await loop.submit {
            self.stream?.close()
            self.acknowledgements?.close()
        }.get()
    }
}

// MARK: - On the loop

extension SimulatedWorker {
    private func follow(_ stream: Connection, _ acknowledgements: Connection) {
        self.stream = stream
        self.acknowledgements = acknowledgements
        reader = FrameReader()
        assembler = DeltaAssembler()
        isAcknowledging = false
        let revision = hasState ? "?revision=\(state.revision)" : ""
        let request = RequestText.make(
            "GET", "/v1/workers/\(identity.id)/stream\(revision)", token: identity.credential)
        stream.send(request, keepsBody: false, onPiece: { self.take($0) }) { _ in
            self.stream = nil
            acknowledgements.close()
        }
        // The control plane may have restarted, and forgotten what this worker has.
        unacknowledged = hasState ? state.revision : nil
        acknowledge()
    }

    private func take(_ piece: ByteBuffer) {
        received += piece.readableBytes
        do {
            try reader.take(piece, recent, isWanted: isWanted) { frame in
                guard let delta = try? assembler.take(frame) else { return }
                take(delta)
            }
        } catch {
            stream?.close()
        }
    }

    /// A worker that keeps only the revision passes over the resources, which are most of the lines by far.
    private func isWanted(_ line: ByteBuffer) -> Bool {
        memory == .everything || !line.readableBytesView.starts(with: SimulatedWorker.startOfSet)
    }

    private static let startOfSet = Array(#"{"frame":"set""#.utf8)

    private func take(_ delta: Delta) {
        if memory == .everything { state.apply(delta) } else { state.revision = delta.revision }
        hasState = true
        unacknowledged = delta.revision
        acknowledge()
    }

    private func acknowledge() {
        guard let revision = unacknowledged, !isAcknowledging else { return }
        unacknowledged = nil
        isAcknowledging = true
        let request = RequestText.make(
            "POST", "/v1/workers/\(identity.id)/acknowledgements", token: identity.credential,
            body: Acknowledgement(revision: revision).json)
        acknowledgements?.send(request, keepsBody: false) { result in
            self.isAcknowledging = false
            guard case .success(let answer) = result, answer.status == 204 else { return }
            self.onAcknowledged(revision)
            self.acknowledge()
        }
    }
}
