// SPDX-License-Identifier: Apache-2.0

public import TurnpikeModel

/// Who asks, as the credential shows.
public enum Principal: Sendable {
    case `operator`(Resource)
    case worker(Resource)
    case joinToken(Resource)

    public var resource: Resource {
        switch self {
        case .operator(let resource), .worker(let resource), .joinToken(let resource): resource
        }
    }

    /// How the log names them: `operator:ops`, `worker:gw-1`, `joinToken:jtk_…`.
    public var actor: String { "\(resource.key.kind.rawValue):\(resource.key.name)" }
}
