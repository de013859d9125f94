// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Configuration
import NIOSSL

/// The options that every client command has: whom to talk to.
struct ConnectionOptions: ParsableArguments {
    @Option(help: "The control plane's address. (environment: TURNPIKE_SERVER; default: http://127.0.0.1:8080)")
    var server: String?

    @Option(help: "An operator's token. The environment hides it better. (environment: TURNPIKE_TOKEN)")
    var token: String?

    @Option(
        help:
            "A PEM file of the CAs that may vouch for the control plane. (environment: TURNPIKE_CA; default: the system's)"
    )
    var ca: String?

    /// - Throws: `misused` where the CA's file is none.
    func connect() throws(CommandFailure) -> APIClient {
        let environment = ConfigReader(
            provider: EnvironmentVariablesProvider(secretsSpecifier: .all).prefixKeys(with: "turnpike")
        )
        var server = server ?? environment.string(forKey: "server") ?? "http://127.0.0.1:8080"
        while server.hasSuffix("/") { server.removeLast() }
        return APIClient(
            server: server, token: token ?? environment.string(forKey: "token", isSecret: true),
            tls: try ConnectionOptions.tls(trusting: ca ?? environment.string(forKey: "ca")))
    }

    /// - Parameter authorities: a PEM file; `nil` or empty: whom the system trusts.
    private static func tls(trusting authorities: String?) throws(CommandFailure) -> TLSConfiguration {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv12
        guard let authorities, !authorities.isEmpty else { return configuration }
        guard let roots = try? NIOSSLCertificate.fromPEMFile(authorities), !roots.isEmpty else {
            throw .misused("The CA file '\(authorities)' cannot be read, or holds no certificate in PEM.")
        }
        configuration.trustRoots = .certificates(roots)
        return configuration
    }
}
