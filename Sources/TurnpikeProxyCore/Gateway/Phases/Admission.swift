// SPDX-License-Identifier: Apache-2.0

/// What becomes of a request that no phase has refused.
enum Admission {
    case admitted
    /// A quota has nothing granted but is not known to be spent: come again when there is news.
    case waitsForGrant
}

extension Gateway {
    /// Takes a request whose head is complete through its phases, each of which lets it pass or throws the answer.
    ///
    /// Phases get context and origin by reference, also where they only read them: by value all of it would be copied.
    ///
    /// - Parameters:
    ///   - content: follows the request's content; a phase may allow it less.
    ///   - stage: where the last phase writes to.
    func admit(
        _ head: RequestHead, _ bytes: UnsafeRawBufferPointer, from origin: inout RequestOrigin,
        content: inout BodyReader, context: inout RequestContext, to stage: ByteStage
    ) throws(Refusal) -> Admission {
        var admission = Admission.admitted
        let route = try match(head, bytes, from: origin.address, context: &context)
        var phases = route.phases
        if let limits = context.limits { phases.formUnion(limits.phases) }
        while let phase = phases.popFirst() {
            switch phase {
            // Taken already: it has found the route that says which the others are.
            case .match: break
            case .account: try checkAccount()
            case .apiKey: try authenticate(head, bytes, for: route, context: &context)
            case .maxContentBytes: try boundContent(head.framing, by: route, content: &content)
            case .rateLimit: try limitRate(from: origin.subject, by: route, context: &context)
            case .quota: admission = try spendQuotas(of: route, context: &context)
            case .forward: prepare(head, bytes, from: &origin, for: route, context: &context, to: stage)
            }
        }
        context.isAdmitted = admission == .admitted
        return admission
    }
}
