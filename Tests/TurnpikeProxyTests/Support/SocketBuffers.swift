// SPDX-License-Identifier: Apache-2.0

import Foundation

/// What the sockets between an upstream and a client that does not read can hold at most, as this system lets their buffers grow.
enum SocketBuffers {
    /// The upstream's and the gateway's sending side, and the gateway's receiving side; the client's is small, and the gateway
    /// itself holds some tens of KiB for each direction.
    static var most: Int { 2 * limit("tcp_wmem") + limit("tcp_rmem") + (1 << 20) }

    /// The last of a setting's three numbers (tcp(7)). Where there is no such setting, as much as Linux had for long.
    private static func limit(_ setting: String) -> Int {
        let text = try? String(contentsOfFile: "/proc/sys/net/ipv4/\(setting)", encoding: .utf8)
        return text?.split(whereSeparator: \.isWhitespace).last.flatMap { Int($0) } ?? 6 << 20
    }
}
