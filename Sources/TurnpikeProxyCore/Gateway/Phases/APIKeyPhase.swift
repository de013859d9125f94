// SPDX-License-Identifier: Apache-2.0

import TurnpikeModel

extension Gateway {
    /// Checks the API key.
    ///
    /// It comes as `X-Api-Key`, or as `Authorization: Bearer` (RFC 6750 §2.1) where there is no such field; one of them and
    /// once. An expired key is as good as none. A key of another tenant and one that may not use the route get the same
    /// answer, which tells nothing about either.
    func authenticate(
        _ head: RequestHead, _ bytes: UnsafeRawBufferPointer, for route: GatewayRoute, context: inout RequestContext
    ) throws(Refusal) {
        let credential = try credential(of: head, bytes)
        guard let digest = digest(credential.value), let key = current?.keys.find(digest), !key.isExpired(at: wall)
        else { throw .unauthenticated("The API key is not valid.") }
        guard key.tenantID == route.tenantID else {
            throw Refusal(.forbidden, "The API key does not permit this route.")
        }
        context.key = key
        context.credential = credential.field
        guard current?.keys.mayUse(key, route: route.name) == true else {
            throw Refusal(.forbidden, "The API key does not permit this route.")
        }
    }

    private func credential(
        of head: RequestHead, _ bytes: UnsafeRawBufferPointer
    ) throws(Refusal) -> (value: UnsafeRawBufferPointer, field: KnownFieldSet) {
        if let field = head.fields.first(.xAPIKey) {
            guard head.fields.count(of: .xAPIKey) == 1 else { throw .unauthenticated("Several API keys were sent.") }
            return (bytes[field.value], .xAPIKey)
        }
        guard let field = head.fields.first(.authorization) else { throw .unauthenticated("An API key is required.") }
        guard head.fields.count(of: .authorization) == 1 else {
            throw .unauthenticated("Several credentials were sent.")
        }
        guard let token = bytes[field.value].bearerToken else {
            throw .unauthenticated("An API key is required, as X-Api-Key or as a bearer token.")
        }
        return (token, .authorization)
    }
}

extension UnsafeRawBufferPointer {
    /// What follows `Bearer` and spaces; the scheme is case-insensitive (RFC 9110 §11.1).
    fileprivate var bearerToken: UnsafeRawBufferPointer? {
        guard count > 7, self[ByteRange(0, 6)].equalsIgnoringCase("bearer"), self[6] == ASCII.space else { return nil }
        var start = 7
        while start < count, self[start] == ASCII.space { start += 1 }
        return start < count ? self[ByteRange(start, count)] : nil
    }
}
