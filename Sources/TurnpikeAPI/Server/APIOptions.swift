// SPDX-License-Identifier: Apache-2.0

/// How the API is served.
public struct APIOptions: Sendable {
    /// The address to listen on. Loopback unless told otherwise.
    public var host: String
    /// 0 lets the system choose.
    public var port: Int
    /// The contract, served at `/openapi.yaml`.
    public var openAPI: [UInt8]
    /// `nil`: plain HTTP.
    public var tls: ServerTLS?

    public init(host: String = "127.0.0.1", port: Int = 8080, openAPI: [UInt8], tls: ServerTLS? = nil) {
        self.host = host
        self.port = port
        self.openAPI = openAPI
        self.tls = tls
    }
}
