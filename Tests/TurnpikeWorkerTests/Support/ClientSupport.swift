// SPDX-License-Identifier: Apache-2.0

import Testing
import TurnpikeModel
import TurnpikeSnapshot

@testable import TurnpikeWorker

let testIdentity = WorkerIdentity(
    id: testWorker.text(prefix: "wrk"), name: "edge-1", credential: "first", issuedAt: Timestamp(seconds: 1_000_000),
    expiresAt: Timestamp(seconds: 1_000_000 + 7200)
)

/// A client of `fake` with an identity on disk, closed afterwards.
func withClient<Result>(
    of fake: FakeControlPlane, in directory: String, identity: WorkerIdentity? = testIdentity,
    isolation: isolated (any Actor)? = #isolation, _ body: (ControlPlaneClient) async throws -> Result
) async throws -> Result {
    let store = try WorkerIdentityStore(file: directory + "/identity.json")
    if let identity { try store.adopt(identity) }
    let client = ControlPlaneClient(
        address: try #require(ControlPlaneAddress(fake.address)), http: ControlPlaneClient.makeHTTPClient(),
        identities: store, tls: try ControlPlaneTLS(ControlPlaneTrust().configuration(), key: nil)
    )
    do {
        let result = try await body(client)
        try await client.shutDown()
        return result
    } catch {
        try? await client.shutDown()
        throw error
    }
}

let quickBackOff = BackOff(base: .milliseconds(1), cap: .milliseconds(4))

func key(_ name: String, expiresAt: Timestamp? = nil) -> CompiledResource {
    .key(
        CompiledKey(
            tenant: "acme", name: name, id: ResourceID(high: 1, low: UInt64(name.utf8.count)),
            tenantID: ResourceID(high: 2, low: 2), digest: KeyDigest(words: (1, 2, 3, 4)), expiresAt: expiresAt,
            routes: []
        ))
}

func snapshot(_ revision: Revision, _ resources: CompiledResource...) -> Snapshot {
    Snapshot(revision: revision, resources: Dictionary(uniqueKeysWithValues: resources.map { ($0.name, $0) }))
}

func frames(
    _ revision: Revision, isSnapshot: Bool = false, set: [CompiledResource] = [], removed: [CompiledName] = []
) -> [Frame] {
    Array(Delta(revision: revision, isSnapshot: isSnapshot, set: set, removed: removed).frames)
}
