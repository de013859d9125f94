// SPDX-License-Identifier: Apache-2.0

import NIOPosix
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// The system's own resolver, `getaddrinfo`: hosts file, DNS, whatever the machine is set up for, and its order (RFC 6724).
///
/// It blocks, and so it runs on four threads of its own, which are made when the first name is asked for.
public final class SystemResolver: NameResolver {
    /// A name that leads to no address.
    public struct Fault: Error, CustomStringConvertible {
        public let host: String
        /// Of `getaddrinfo`.
        public let status: Int32

        public var description: String { "'\(host)' has no address: \(String(cString: gai_strerror(status)))" }
    }

    private static let threads = 4

    private let pool = Mutex<NIOThreadPool?>(nil)

    public init() {}

    deinit { pool.withLock { $0 }?.shutdownGracefully { _ in } }

    public func addresses(of host: String) async throws -> [String] {
        let pool = pool.withLock { pool in
            if let pool { return pool }
            let made = NIOThreadPool(numberOfThreads: Self.threads)
            made.start()
            pool = made
            return made
        }
        return try await pool.runIfActive { try Self.lookUp(host) }
    }

    private static func lookUp(_ host: String) throws(Fault) -> [String] {
        var hints = addrinfo()
        hints.ai_family = AF_UNSPEC
        var list: UnsafeMutablePointer<addrinfo>?
        let status = getaddrinfo(host, nil, &hints, &list)
        guard status == 0 else { throw Fault(host: host, status: status) }
        defer { freeaddrinfo(list) }
        var addresses: [String] = []
        var next = list
        while let entry = next?.pointee {
            // Each address is there once for each kind of socket.
            if let text = text(of: entry), !addresses.contains(text) { addresses.append(text) }
            next = entry.ai_next
        }
        return addresses
    }

    private static func text(of entry: addrinfo) -> String? {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(NI_MAXHOST)) { buffer in
            let status = getnameinfo(
                entry.ai_addr, entry.ai_addrlen, buffer.baseAddress, socklen_t(buffer.count), nil, 0, NI_NUMERICHOST)
            return status == 0 ? buffer.baseAddress.map { String(cString: $0) } : nil
        }
    }
}
