// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// Closes a client's connection that has had no stream for too long, whatever its client says to that. SwiftNIO bids such a client
/// goodbye and waits for it to answer; one that never does would stay for ever. Confined to its event loop.
final class HTTP2Idleness {
    /// For a goodbye to be answered.
    private static let lastWords = TimeAmount.seconds(2)

    private weak var channel: (any Channel)?
    private var patience: TimeAmount
    private var streams = 0
    private var idleSince = NIODeadline.now()
    /// Set anew only when it has come: it comes too early where there was a stream meanwhile.
    private var timer: Scheduled<Void>?

    /// - Parameter patience: without a stream, before SwiftNIO says goodbye.
    init(of channel: any Channel, patience: TimeAmount) {
        self.channel = channel
        self.patience = Self.sum(patience, Self.lastWords)
        look()
    }

    func streamBegan() { streams += 1 }

    func streamEnded() {
        streams -= 1
        if streams == 0 { idleSince = .now() }
    }

    /// A goodbye is said now, whether there are streams or not.
    func saysGoodbye() {
        patience = Self.lastWords
        idleSince = .now()
        timer?.cancel()
        look()
    }

    func connectionEnded() { timer?.cancel() }

    private func look() {
        guard let channel, channel.isActive else { return }
        let now = NIODeadline.now()
        let end = (streams == 0 ? idleSince : now) + patience
        guard end > now else { return channel.close(promise: nil) }
        timer = channel.eventLoop.assumeIsolated().scheduleTask(deadline: end) { [weak self] in self?.look() }
    }

    /// Within what a time can be.
    private static func sum(_ one: TimeAmount, _ other: TimeAmount) -> TimeAmount {
        let (sum, overflows) = one.nanoseconds.addingReportingOverflow(other.nanoseconds)
        return .nanoseconds(overflows ? .max : sum)
    }
}
