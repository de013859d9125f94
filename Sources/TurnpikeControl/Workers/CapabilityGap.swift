// SPDX-License-Identifier: Apache-2.0

public import TurnpikeModel
import TurnpikeSnapshot

/// Something that was written and that a connected worker cannot do. It is told with the write's answer, since a worker that
/// does not know what it is asked for can only leave it out.
public struct CapabilityGap: Sendable, Hashable {
    public var worker: String
    public var capability: String
    /// The resource that asks for it.
    public var resource: ResourceKey

    public init(worker: String, capability: String, resource: ResourceKey) {
        self.worker = worker
        self.capability = capability
        self.resource = resource
    }

    public var json: JSON {
        [
            "worker": .string(worker), "capability": .string(capability), "resource": .string(resource.path),
            "detail": .string("The worker '\(worker)' cannot do '\(capability)', which the \(resource) asks for."),
        ]
    }

    /// Gaps that one answer names.
    static let mostNamed = 100
}

extension Fleet {
    func gaps(for required: [(resource: ResourceKey, capabilities: Set<Capability>)]) -> [CapabilityGap] {
        let workers = connected.sorted { $0.name < $1.name }
        var gaps: [CapabilityGap] = []
        for (resource, capabilities) in required {
            for capability in capabilities.sorted(by: { $0.rawValue < $1.rawValue }) {
                for worker in workers where worker.announcement?.lacks(capability) == true {
                    gaps.append(CapabilityGap(worker: worker.name, capability: capability.rawValue, resource: resource))
                }
            }
        }
        return Array(gaps.prefix(CapabilityGap.mostNamed))
    }

    /// The types of which a worker has not announced that it can read them.
    func unreadable(to worker: ResourceID) -> Set<CompiledResource.ResourceType> {
        let announcement = members[worker]?.status.announcement
        return Set(
            CompiledResource.ResourceType.allCases.filter { type in
                type.announced.map { announcement?.lacks($0) ?? true } ?? false
            })
    }

    var connected: [WorkerStatus] { members.values.map(\.status).filter(\.isConnected) }
}
