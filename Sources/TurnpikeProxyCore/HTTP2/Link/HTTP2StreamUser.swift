// SPDX-License-Identifier: Apache-2.0

/// To whom a stream is a connection of HTTP/1.1 that serves one request: who answers it, or who has asked.
public protocol HTTP2StreamUser: AnyObject {
    /// - Parameter bytes: good until the call returns.
    func received(_ bytes: UnsafeRawBufferPointer)
    /// The other side has broken the stream off, or the connection is gone. Nothing more is told.
    func ended()
    /// As ``ended()``, since the rest of the message was malformed.
    func malformed(_ fault: HTTP2Fault)
    /// As ``ended()``, of a request that the upstream has not begun with, so that it can be sent again elsewhere.
    func refused()
    /// What is sent finds room again, or no more.
    func writabilityChanged(_ isWritable: Bool)
    /// All that was sent is on its way now, or the stream is over.
    func outputSent()
}

extension HTTP2StreamUser {
    public func malformed(_ fault: HTTP2Fault) { ended() }
    public func refused() { ended() }
}
