// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Configuration

/// The options that every client command has: whom to talk to.
struct ConnectionOptions: ParsableArguments {
    @Option(help: "The control plane's address. (environment: TURNPIKE_SERVER; default: http://127.0.0.1:8080)")
    var server: String?

    @Option(help: "An operator's token. The environment hides it better. (environment: TURNPIKE_TOKEN)")
    var token: String?

    func connect() -> APIClient {
        let environment = ConfigReader(
            provider: EnvironmentVariablesProvider(secretsSpecifier: .all).prefixKeys(with: "turnpike")
        )
        var server = server ?? environment.string(forKey: "server") ?? "http://127.0.0.1:8080"
        while server.hasSuffix("/") { server.removeLast() }
        return APIClient(server: server, token: token ?? environment.string(forKey: "token", isSecret: true))
    }
}
