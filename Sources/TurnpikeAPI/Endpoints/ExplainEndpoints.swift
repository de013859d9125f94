// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import TurnpikeControl
import TurnpikeModel

/// What a gateway would do with a request.
struct ExplainEndpoints {
    let control: ControlPlane

    var all: [Endpoint] {
        [
            Endpoint(.post, "/v1/explain", .operators, parameters: ["minRevision"]) { request, context in
                let asked = try ExplainRequest(json: try await request.json(limit: BodyLimit.resource))
                return .json(try await control.explain(asked, for: context.authority).json)
            }
        ]
    }
}
