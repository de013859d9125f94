// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel
import TurnpikeProxyCore
import TurnpikeWorker

extension GatewaySettings {
    /// The proxies in front, each an address or a range of them; nil where none are given.
    static func trustedProxies(_ text: String?) throws(Fault) -> TrustedProxies? {
        guard let text else { return nil }
        do { return TrustedProxies(try AddressRange.proxies(text)) } catch { throw Fault(reason: error.reason) }
    }
}
