// SPDX-License-Identifier: Apache-2.0

#if os(Linux)

import CEpoll

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// What one attempt to read or write came to.
enum Transfer: Equatable {
    /// So many bytes; none is the end of what is read.
    case bytes(Int)
    /// Nothing now.
    case wouldBlock
    /// Nothing any more.
    case failed
}

/// A socket's number, and the calls that are made on it. None of them blocks, and none raises SIGPIPE.
struct Descriptor: Hashable, Sendable {
    let number: Int32

    /// A new TCP socket.
    static func stream(family: Int32) throws(SystemFault) -> Descriptor {
        let number = socket(family, CEpollStreamSocket, 0)
        guard number >= 0 else { throw .last("socket") }
        return Descriptor(number: number)
    }

    func closeNow() { _ = close(number) }

    /// Closes with a reset, and drops what the kernel has not sent.
    func reset() {
        set(SOL_SOCKET, SO_LINGER, linger(l_onoff: 1, l_linger: 0))
        closeNow()
    }

    /// Both ways; reading then comes to an end.
    func shutDown() { _ = shutdown(number, Int32(SHUT_RDWR)) }

    func shutDownOutput() { _ = shutdown(number, Int32(SHUT_WR)) }

    /// Small segments wait for nothing.
    func sendAtOnce() { set(Int32(IPPROTO_TCP), TCP_NODELAY, Int32(1)) }

    func reuseAddress() { set(SOL_SOCKET, SO_REUSEADDR, Int32(1)) }

    /// An option that cannot be set leaves a socket that serves all the same.
    private func set<Value: BitwiseCopyable>(_ level: Int32, _ option: Int32, _ value: Value) {
        var value = value
        _ = setsockopt(number, level, option, &value, socklen_t(MemoryLayout<Value>.size))
    }

    /// What connecting has failed by, once it came to an end; nil where that was a good one.
    var connectFault: SystemFault? {
        var code: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        guard getsockopt(number, SOL_SOCKET, SO_ERROR, &code, &length) == 0 else { return .last("connect") }
        return code == 0 ? nil : SystemFault(call: "connect", code: code)
    }

    // MARK: - Bytes

    func receive(into buffer: UnsafeMutableRawBufferPointer) -> Transfer {
        while true {
            let count = CEpollReceive(number, buffer.baseAddress, buffer.count)
            if let transfer = Descriptor.transfer(count) { return transfer }
        }
    }

    func transmit(_ bytes: UnsafeRawBufferPointer) -> Transfer {
        while true {
            let count = CEpollSend(number, bytes.baseAddress, bytes.count)
            if let transfer = Descriptor.transfer(count) { return transfer }
        }
    }

    func transmit(_ vectors: UnsafeMutableBufferPointer<iovec>) -> Transfer {
        var message = msghdr()
        message.msg_iov = vectors.baseAddress
        message.msg_iovlen = .init(vectors.count)
        while true {
            let count = sendmsg(number, &message, CEpollNoSignal)
            if let transfer = Descriptor.transfer(count) { return transfer }
        }
    }

    /// Nil where a signal interrupted the call, which is then made again.
    private static func transfer(_ count: Int) -> Transfer? {
        if count >= 0 { return .bytes(count) }
        switch errno {
        case EINTR: return nil
        case EAGAIN: return .wouldBlock
        default: return .failed
        }
    }
}

#endif
