// SPDX-License-Identifier: Apache-2.0

#if os(Linux)

extension EpollSocket {
    /// From here on it speaks TLS with its peer.
    ///
    /// - Parameter ciphertext: what the peer has said already.
    func secure(
        by session: TLSSession, having ciphertext: UnsafeRawBufferPointer = UnsafeRawBufferPointer(start: nil, count: 0)
    ) {
        self.session = session
        receive(ciphertext, by: session)
    }

    func receive(_ ciphertext: UnsafeRawBufferPointer, by session: TLSSession) {
        let wasEstablished = session.isEstablished
        let reception = session.decrypt(ciphertext)
        loop.wire.depart(transmit)
        if session.isEstablished, !wasEstablished { owner?.secured() }
        if !reception.plaintext.isEmpty { owner?.received(reception.plaintext) }
        switch reception.end {
        case nil: break
        case .goodbye: heardGoodbye()
        case .fault:
            isCutOff = true
            owner?.ended()
        }
    }

    private func heardGoodbye() {
        if mayHalfClose {
            isInputEnded = true
            owner?.inputEnded()
        } else {
            // A peer of TLS 1.2 waits for it (RFC 5246 §7.2.1).
            sayGoodbye()
            owner?.ended()
        }
    }

    func send(_ gathered: Gather, by session: TLSSession) {
        let isSound = session.encrypt(gathered)
        loop.wire.depart(transmit)
        if !isSound { breakOffSession() }
    }

    /// Tells the peer, behind all that was sent, that nothing more comes. In the clear, closing says it.
    func sayGoodbye() {
        guard let session, isOpen, !isBroken else { return }
        session.sayGoodbye()
        loop.wire.depart(transmit)
    }
}

#endif
