// SPDX-License-Identifier: Apache-2.0

/// How the API is secured.
///
/// Configuration keys, both or none:
/// - `tls.certificate` (`--tls-certificate`, `TURNPIKE_TLS_CERTIFICATE`): a PEM file, the server's certificate first, then
///   those between it and the root. The API then speaks TLS only.
/// - `tls.key` (`--tls-key`, `TURNPIKE_TLS_KEY`): the PEM file of its private key.
struct TLSSettings: Sendable, Hashable {
    struct Files: Sendable, Hashable {
        var certificate: String
        var key: String
    }

    /// `nil`: plain HTTP.
    var files: Files?

    static let keys = ["tls.certificate", "tls.key"]

    /// - Parameter text: a setting's value by its key; `nil` where it is not given or empty.
    init(_ text: (String) -> String?) throws(ServeSettings.Fault) {
        switch (text("tls.certificate"), text("tls.key")) {
        case (nil, nil): files = nil
        case (let certificate?, let key?): files = Files(certificate: certificate, key: key)
        default: throw ServeSettings.Fault(reason: "tls.certificate and tls.key go together: give both files.")
        }
    }

    /// The scheme of the API's URLs.
    var scheme: String { files == nil ? "http" : "https" }
}
