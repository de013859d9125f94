// SPDX-License-Identifier: Apache-2.0

@testable import TurnpikeProxyCore

extension FuzzTarget {
    /// The first part is what a client sends, each further one what the upstream says to one try.
    ///
    /// Once with all that can go amiss at random moments: what is sent on is always well formed, no more requests than came, and
    /// what the client reads are answers to these. And twice without, whole and byte by byte: where the pieces end changes
    /// nothing.
    static func checkConnection(_ bytes: [UInt8]) throws {
        let parts = bytes.parts
        let client = parts[0]
        let answers = Array(parts.dropFirst())
        try FuzzedConnection(answers, chance: bytes.chance).runDisturbed(client)

        // Whether a client that asks first is told to go on depends on whether it has waited.
        guard !client.text.lowercased().contains("100-continue") else { return }
        let whole = FuzzedConnection(answers, chance: bytes.chance)
        try whole.run(client.isEmpty ? [] : [client], answersInPieces: false)
        let bytewise = FuzzedConnection(answers, chance: bytes.chance)
        try bytewise.run(client.map { [$0] }, answersInPieces: true)
        // In a tunnel either side speaks when it likes, and may have ended it before the other has.
        guard !whole.isTunnel, !bytewise.isTunnel else { return }
        // Where content or an answer is broken, what came before the fault has been passed on or not, by where the piece began.
        if !whole.wasAborted, !bytewise.wasAborted {
            try require(
                whole.toClient == bytewise.toClient,
                "the client reads\n\(whole.toClient.text)\nand byte by byte\n\(bytewise.toClient.text)")
        }
        let (sent, sentBytewise) = (whole.allSent, bytewise.allSent)
        let asked = MessageSequence.requests(in: client)
        let isBroken =
            whole.wasAborted || bytewise.wasAborted || asked.fault != nil || FuzzedConnection.exceedsBound(asked)
        try require(
            sent == sentBytewise || isBroken && (sent.starts(with: sentBytewise) || sentBytewise.starts(with: sent)),
            "the upstream reads\n\(sent.text)\nand byte by byte\n\(sentBytewise.text)")
    }
}
