// SPDX-License-Identifier: Apache-2.0

public import Hummingbird
import Synchronization
import TurnpikeControl

/// What is known of one request while it is answered.
public struct APIContext: RequestContext {
    public var coreContext: CoreRequestContextStorage
    /// The client's, where it sent a usable one, or made here.
    var requestID = ""
    /// Who asks; set by authentication, absent on endpoints that are open to everybody.
    var principal: Principal?

    public init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
    }
}
