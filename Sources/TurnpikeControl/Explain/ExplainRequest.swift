// SPDX-License-Identifier: Apache-2.0

public import TurnpikeModel

/// A request to a gateway that has not been sent.
///
/// ```
/// {"method": "GET", "host": "api.acme.test", "path": "/v1/orders/7?beta=true", "headers": {"x-tier": "gold"},
///  "address": "192.0.2.7", "key": "partner-1", "zone": "eu-a"}
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
    /// Fields of the head other than `Host`, up to 64.
    public var headers: [(name: String, value: String)]
    /// Of the client; `nil`: within no range of addresses.
    public var address: IPAddress?
    /// Of the gateway; `nil`: one that was not told where it runs.
    public var zone: String?

    /// - Throws: `invalidResource` with every fault.
    public init(json: JSON) throws(TurnpikeError) {
        var fields = FieldReader(json, source: .request, nullable: ["method", "address", "key"])
        method = fields.string("method", length: 1...32, default: "GET")
        host = fields.string("host", length: 1...255)
        path = fields.string("path", length: 1...8192)
        key = fields.optionalString("key", length: 1...256)
        headers = fields.texts("headers", count: 0...64, length: 0...8192) { name in
            FieldName.isValid(name) && name.lowercased() != "host"
                ? nil : "'\(name)' must be the name of a header, and not Host."
        }
        address = nil
        if let text = fields.optionalString("address", length: 1...45), !text.isEmpty {
            address = IPAddress(text)
            if address == nil { fields.report("address", .format, "'\(text)' must be an IP address.") }
        }
        zone = fields.optionalName("zone")
        fields.finish()
        guard fields.faults.isEmpty else { throw .invalid(fields.faults) }
    }
}
