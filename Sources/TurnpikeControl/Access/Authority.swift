// SPDX-License-Identifier: Apache-2.0

public import TurnpikeModel

/// What a caller may see and do: a role, over everything or over one tenant.
///
/// What is out of sight is answered in the words for what is not there, so that nobody learns which tenants exist.
public struct Authority: Sendable, Hashable {
    public let role: Operator.Role
    /// The only tenant in sight; `nil`: all are.
    public let tenant: String?

    /// Of the control plane itself.
    static let system = Authority(role: .owner, tenant: nil)

    init(role: Operator.Role, tenant: String?) {
        self.role = role
        self.tenant = tenant
    }

    /// - Throws: `forbidden` to anybody but operators.
    public init(of principal: Principal) throws(TurnpikeError) {
        guard case .operator(let resource) = principal, let spec = resource.spec as? Operator else {
            throw TurnpikeError(.forbidden, "Only operators may do this.")
        }
        self.init(role: spec.role, tenant: spec.tenant)
    }

    /// - Throws: `forbidden` to those who see one tenant only: what is asked for is the platform's.
    public func requirePlatform() throws(TurnpikeError) {
        guard tenant == nil else {
            throw TurnpikeError(.forbidden, "The token is bound to a tenant; this is the platform's.")
        }
    }

    // MARK: Sight

    func sees(_ resource: Resource) -> Bool {
        tenant == nil || resource.homeTenant == tenant
    }

    /// Whether anything of a collection can be in sight.
    func sees(_ collection: CollectionKey) -> Bool {
        tenant == nil || collection.tenant == nil || collection.tenant == tenant
    }

    /// What is in sight of a collection of which something can be.
    func part(of collection: CollectionKey) -> CollectionKey {
        CollectionKey(collection.kind, tenant: collection.tenant ?? tenant)
    }

    func sees(_ change: Change) -> Bool {
        (change.before.map { sees($0) } ?? false) || (change.after.map { sees($0) } ?? false)
    }

    // MARK: Writing

    /// - Throws: `forbidden` where the role never writes anything.
    public func requireWriting() throws(TurnpikeError) {
        if role == .viewer { throw TurnpikeError(.forbidden, "The token is for viewing only.") }
    }

    /// - Throws: `forbidden` where the role never writes this kind.
    func requireWriting(_ kind: Kind) throws(TurnpikeError) {
        try requireWriting()
        switch kind {
        case .operator where role != .owner:
            throw TurnpikeError(.forbidden, "Only owners may change operators.")
        case .tenant, .worker, .joinToken: try requirePlatform()
        default: break
        }
    }

    /// Judges what a draft has come to.
    ///
    /// - Throws: `forbidden` where it changes what the caller may not change.
    func check(_ draft: Draft) throws(TurnpikeError) {
        for change in draft.changes {
            guard let key = change.key else { continue }
            try requireWriting(key.kind)
            if let before = change.before, !sees(before) {
                throw TurnpikeError(.alreadyExists, "The name of the \(key) is taken.")
            }
            if let after = change.after, !sees(after) {
                throw TurnpikeError(.forbidden, "The token is bound to a tenant; the \(key) is not that tenant's.")
            }
        }
    }
}
