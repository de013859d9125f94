// SPDX-License-Identifier: Apache-2.0

/// The life of a request before it is forwarded: phases in a fixed order, each in its own file, each of which lets it pass
/// or throws the answer. What comes first is what costs least or tells least.
///
/// | phase | refuses with |
/// |---|---|
/// | match | 400, 404, 405, 503 without a configuration |
/// | account | 503 where usage could not be written down |
/// | authenticate | 401, 403 |
/// | limit the rate | 429 |
/// | spend quotas | 429, or waits for a grant, then 503 |
/// | forward | – |
///
/// From `match` on the request has a route, and its refusals count as the tenant's requests. A request is admitted once its
/// quotas are spent; nothing after that takes a unit back.
enum Admission {
    case admitted
    /// A quota has nothing granted but is not known to be spent: come again when there is news.
    case waitsForGrant
}

extension Gateway {
    func admit(
        _ head: RequestHead, _ bytes: UnsafeRawBufferPointer, from client: ClientAddress,
        context: inout RequestContext
    ) throws(Refusal) -> Admission {
        try match(head, bytes, from: client, context: &context)
        guard recorder.canRecord else { throw .overloaded }
        try authenticate(head, bytes, context: &context)
        try limitRate(from: client, context: context)
        return try spendQuotas(context: &context)
    }
}
