// SPDX-License-Identifier: Apache-2.0

public import Hummingbird
import NIOCore
import Synchronization
import TurnpikeControl
import TurnpikeModel

/// What is known of one request while it is answered.
public struct APIContext: RequestContext {
    public var coreContext: CoreRequestContextStorage
    /// The client's, where it sent a usable one, or made here.
    var requestID = ""
    /// Who asks; set by authentication, absent on endpoints that are open to everybody.
    var principal: Principal?
    /// Whom the request comes from, who may be behind the connection's peer; empty where it is not known.
    var address: String
    /// The connection.
    let channel: any Channel
    let notes = RequestNotes()

    public init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        channel = source.channel
        address = source.channel.remoteAddress?.ipAddress ?? ""
    }
}

extension APIContext {
    /// Notes who asks, and about which tenant.
    func note(_ principal: Principal) {
        var tenant = pathParameter("tenant")
        if tenant.isEmpty, case .operator(let resource) = principal {
            tenant = (resource.spec as? Operator)?.tenant ?? ""
        }
        let named = tenant
        notes.note { content in
            content.actor = principal.actor
            content.tenant = named
        }
    }

    /// What the operator who asks may see and do.
    ///
    /// - Throws: `unauthenticated`, `forbidden`.
    var authority: Authority {
        get throws(TurnpikeError) {
            guard let principal else { throw TurnpikeError(.unauthenticated, "Who asks is not known.") }
            return try Authority(of: principal)
        }
    }
}
