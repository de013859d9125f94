// SPDX-License-Identifier: Apache-2.0

public import TurnpikeModel

/// A request to a gateway that has not been sent.
///
/// ```
/// {"method": "GET", "host": "api.acme.test", "path": "/v1/orders/7", "key": "partner-1"}
/// ```
public struct ExplainRequest: Sendable {
    /// Default `GET`.
    public var method: String
    /// As in `Host`.
    public var host: String
    /// Path and, where there is one, query.
    public var path: String
    /// An API key: the secret itself, or its name or id in the tenant of the route. `nil`: the request brings none.
    public var key: String?

    /// - Throws: `invalidResource` with every fault.
    public init(json: JSON) throws(TurnpikeError) {
        var fields = FieldReader(json, source: .request)
        method = fields.string("method", length: 1...32, default: "GET")
        host = fields.string("host", length: 1...255)
        path = fields.string("path", length: 1...8192)
        key = fields.optionalString("key", length: 1...256)
        fields.finish()
        guard fields.faults.isEmpty else { throw .invalid(fields.faults) }
    }
}
