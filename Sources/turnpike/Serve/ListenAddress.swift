// SPDX-License-Identifier: Apache-2.0

import Foundation

/// Where a server listens: `127.0.0.1:8080`, `[::1]:8080`, `localhost:0` for any free port.
struct ListenAddress: Sendable, Hashable {
    var host: String
    /// 0 for a free port of the system's choice.
    var port: Int

    init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":") else { return nil }
        let digits = text[text.index(after: colon)...]
        guard digits.allSatisfy({ ("0"..."9").contains($0) }), let port = UInt16(digits) else { return nil }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
        } else if host.contains(":") {
            return nil
        }
        guard !host.isEmpty else { return nil }
        self.host = String(host)
        self.port = Int(port)
    }

    /// What a server that listens here is called by, as far as it can know.
    var certificateNames: [String] {
        let always = ["localhost", "127.0.0.1", "::1", ProcessInfo.processInfo.hostName]
        // What stands for every address is none that anybody calls.
        let own = ["0.0.0.0", "::"].contains(host) || always.contains(host) ? [] : [host]
        return own + always
    }

    /// The address in a URL, with the port that the system gave.
    func url(scheme: String = "http", port: Int) -> String {
        "\(scheme)://\(host.contains(":") ? "[\(host)]" : host):\(port)"
    }
}
