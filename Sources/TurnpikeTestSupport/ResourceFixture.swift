// SPDX-License-Identifier: Apache-2.0

public import TurnpikeModel

extension Resource {
    /// A resource made from a client's body, as a test needs it.
    ///
    /// - Parameters:
    ///   - id: the low half of its id.
    ///   - change: what a server would add to the spec, such as a digest.
    /// - Throws: the body's faults.
    public static func fixture<Spec: ResourceSpec>(
        _ type: Spec.Type, tenant: String? = nil, _ name: String, _ body: JSON, labels: Labels = [:], id: UInt64 = 1,
        revision: Revision = 1, change: (inout Spec) -> Void = { _ in }
    ) throws -> Resource {
        var spec = try ResourceBody(body, kind: Spec.kind, name: name).spec
        if var typed = spec as? Spec {
            change(&typed)
            spec = typed
        }
        let time = Timestamp(seconds: 1_772_366_400)
        return Resource(
            key: ResourceKey(Spec.kind, tenant: tenant, name: name), id: ResourceID(high: 1, low: id), labels: labels,
            spec: spec, revision: revision, createdAt: time, updatedAt: time
        )
    }
}
