// SPDX-License-Identifier: Apache-2.0

extension JSON {
    /// This value changed as a merge patch says (RFC 7396): objects merge member by member, `null` removes a member,
    /// anything else replaces what stood there.
    public func merging(patch: JSON) -> JSON {
        guard case .object(let changes) = patch else { return patch }
        var result = object ?? JSONObject()
        for change in changes.members {
            switch change.value {
            case .null: result[change.name] = nil
            default: result[change.name] = (result[change.name] ?? .null).merging(patch: change.value)
            }
        }
        return .object(result)
    }
}
