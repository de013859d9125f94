// SPDX-License-Identifier: Apache-2.0

#if os(Linux)

import CEpoll
import TurnpikeProxyCore

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// The address of a socket, as the kernel has it.
struct PeerAddress: Sendable {
    private var storage = sockaddr_storage()
    private var length = socklen_t(MemoryLayout<sockaddr_storage>.size)

    init() {}

    /// Fills in what `call` writes.
    ///
    /// - Returns: what `call` returns.
    mutating func fill(_ call: (UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Int32) -> Int32 {
        var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let status = withUnsafeMutablePointer(to: &storage) { storage in
            storage.withMemoryRebound(to: sockaddr.self, capacity: 1) { call($0, &size) }
        }
        length = min(size, socklen_t(MemoryLayout<sockaddr_storage>.size))
        return status
    }

    func read(_ call: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
        withUnsafePointer(to: storage) { storage in
            storage.withMemoryRebound(to: sockaddr.self, capacity: 1) { call($0, length) }
        }
    }

    var family: Int32 { Int32(storage.ss_family) }

    var port: Int {
        withUnsafeBytes(of: storage) { bytes in
            switch family {
            case AF_INET: Int(UInt16(bigEndian: bytes.load(as: sockaddr_in.self).sin_port))
            case AF_INET6: Int(UInt16(bigEndian: bytes.load(as: sockaddr_in6.self).sin6_port))
            default: 0
            }
        }
    }

    var client: ClientAddress {
        withUnsafeBytes(of: storage) { bytes in
            switch family {
            case AF_INET: ClientAddress(bytes.load(as: sockaddr_in.self).sin_addr)
            case AF_INET6: ClientAddress(bytes.load(as: sockaddr_in6.self).sin6_addr)
            default: .unknown
            }
        }
    }

    // MARK: - From text

    /// An address in numbers; nil where the host is a name.
    init?(numeric host: String, port: Int) {
        let endpoint = EndpointAddress(host: host, port: port)
        guard let address = try? PeerAddress.all(of: endpoint, numericOnly: true).first else { return nil }
        self = address
    }

    /// The addresses of a host, in the order in which to try them. Blocks, unless the host is numeric.
    ///
    /// - Throws: why there are none.
    static func all(of endpoint: EndpointAddress, numericOnly: Bool = false) throws(NameFault) -> [PeerAddress] {
        var hints = addrinfo()
        hints.ai_family = AF_UNSPEC
        hints.ai_socktype = CEpollStream
        hints.ai_flags = numericOnly ? AI_NUMERICHOST | AI_NUMERICSERV : AI_NUMERICSERV
        var list: UnsafeMutablePointer<addrinfo>?
        let status = getaddrinfo(endpoint.host, String(endpoint.port), &hints, &list)
        guard status == 0 else { throw NameFault(host: endpoint.host, status: status) }
        defer { freeaddrinfo(list) }
        var addresses: [PeerAddress] = []
        var next = list
        while let entry = next?.pointee {
            if let address = PeerAddress(entry) { addresses.append(address) }
            next = entry.ai_next
        }
        return addresses
    }

    private init?(_ entry: addrinfo) {
        let size = Int(entry.ai_addrlen)
        guard let source = entry.ai_addr, size <= MemoryLayout<sockaddr_storage>.size else { return nil }
        withUnsafeMutableBytes(of: &storage) { $0.copyMemory(from: UnsafeRawBufferPointer(start: source, count: size)) }
        length = entry.ai_addrlen
    }
}

/// A name that leads to no address.
struct NameFault: Error, CustomStringConvertible {
    let host: String
    /// Of `getaddrinfo`.
    let status: Int32

    var description: String { "'\(host)' has no address: \(String(cString: gai_strerror(status)))" }
}

#endif
