// SPDX-License-Identifier: Apache-2.0

@testable import TurnpikeProxyCore

extension FuzzTarget {
    /// Where a hello is cut changes nothing: what was said of its beginning, once anything was, is said of all of it.
    static func checkClientHello(_ bytes: [UInt8]) throws {
        let whole = ClientHello.read(bytes)
        var said = ClientHello.Outcome.incomplete
        for end in 0...bytes.count {
            said = ClientHello.read(Array(bytes[..<end]))
            guard case .incomplete = said else { break }
        }
        try require(said == whole, "\(said) of the beginning, and \(whole) of the whole")
        if case .complete(let hello) = whole, let name = hello.serverName {
            try require(
                !name.isEmpty && name.utf8.allSatisfy { 0x21...0x7E ~= $0 }, "no name: \(name.debugDescription)")
        }
    }
}
