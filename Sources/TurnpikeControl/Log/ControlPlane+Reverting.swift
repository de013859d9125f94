// SPDX-License-Identifier: Apache-2.0

import TurnpikeIdentity
public import TurnpikeModel

extension ControlPlane {
    /// Takes a revision back: each resource that it changed becomes what it was before, as one new revision or none.
    /// Of a revision that is partly out of sight, the part in sight is taken back.
    ///
    /// - Throws: `notFound`, `revisionGone`; `forbidden`; `changedSince` where later revisions changed what this one
    ///   left behind; what the checks of any write throw, such as `stillReferenced`; `storageFailed`.
    public func revert(_ revision: Revision, _ context: WriteContext) async throws(TurnpikeError) -> ApplyOutcome {
        let record = try await record(revision, for: try Authority(of: context.principal))
        let receipt = try await commit(context, size: record.changes.count) { [intake] draft throws(TurnpikeError) in
            try draft.takeBack(record, intake)
            return nil
        }
        return await outcome(of: receipt)
    }
}

extension Resource? {
    /// Whether both are absent, or the same resource with the same body.
    fileprivate func says(sameAs other: Resource?) -> Bool {
        guard let self, let other else { return self == nil && other == nil }
        return self.id == other.id && self.saysTheSame(as: other)
    }
}

extension Draft {
    fileprivate func takeBack(_ record: RevisionRecord, _ intake: CertificateIntake) throws(TurnpikeError) {
        for change in record.changes.reversed() {
            guard let key = change.key else { continue }
            guard key.kind.spec.isCreatedByClients else {
                throw TurnpikeError(.forbidden, "What a \(key.kind.rawValue) has done itself cannot be taken back.")
            }
            let current = resource(key)
            guard current.says(sameAs: change.after) else {
                let newer = current.map { "it is as revision \($0.revision) left it" } ?? "it has been deleted"
                problems.append(
                    Problem(.changedSince, at: JSONPointer(), .conflict, "The \(key) has changed since: \(newer)."))
                continue
            }
            self.record(key, after: change.before.map { restored($0, intake) }, at: nil)
        }
    }

    private func restored(_ before: Resource, _ intake: CertificateIntake) -> Resource {
        var resource = before
        if let certificate = before.spec as? Certificate {
            do throws(SealingFault) { resource.spec = try intake.sealedByFirst(certificate, of: before.key) } catch {
                problems.append(Problem(.invalidResource, at: JSONPointer(), .format, "The \(before.key): \(error)"))
            }
        }
        resource.revision = revision
        resource.updatedAt = now
        return resource
    }
}
