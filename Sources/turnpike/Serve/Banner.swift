// SPDX-License-Identifier: Apache-2.0

/// What the control plane says on standard output, apart from its log.
enum Banner {
    /// The first operator's token, framed so that nobody overlooks it.
    static func firstToken(_ token: String) -> String {
        let lines = [
            "The first operator's token, shown this once:", "", "  \(token)", "",
            "Give it to the clients: export TURNPIKE_TOKEN=<token>",
        ]
        let width = lines.map(\.count).max() ?? 0
        let edge = "+" + String(repeating: "-", count: width + 2) + "+\n"
        let body = lines.map { "| \($0)\(String(repeating: " ", count: width - $0.count)) |\n" }.joined()
        return edge + body + edge
    }

    /// Where those who are to trust the control plane find its CA.
    static func authority(_ file: String) -> String {
        "Certificates are issued by the CA \(file); clients and workers trust it by TURNPIKE_CA or --ca.\n"
    }

    static func ready(at url: String, dataFolder: String) -> String {
        "Turnpike control plane: \(url), data in \(dataFolder)\n"
    }
}
