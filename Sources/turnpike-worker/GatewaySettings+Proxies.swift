// SPDX-License-Identifier: Apache-2.0

import Foundation
import TurnpikeModel
import TurnpikeProxyCore
import TurnpikeWorker

extension GatewaySettings {
    /// The proxies in front, each an address or a range of them; nil where none are given.
    static func trustedProxies(_ text: String?) throws(Fault) -> TrustedProxies? {
        guard let text else { return nil }
        var ranges: [AddressRange] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let part = part.trimmingCharacters(in: .whitespaces)
            guard let range = AddressRange(part) else {
                throw Fault(
                    reason: """
                        '\(part)' is no trusted proxy; it must be an address or a range of them, such as 10.0.0.1, 10.0.0.0/8 or \
                        2001:db8::/32, with no bits behind the prefix.
                        """)
            }
            ranges.append(range)
        }
        if let proxies = TrustedProxies(ranges) { return proxies }
        throw Fault(
            reason:
                "\(ranges.count) trusted proxies are too many; there may be \(TrustedProxies.mostRanges) ranges of them."
        )
    }
}
