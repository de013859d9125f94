// SPDX-License-Identifier: Apache-2.0

/// Everything that can be configured is a resource of one of these kinds. The raw value stands in bundles and the log.
public enum Kind: String, Sendable, CaseIterable, Comparable {
    case tenant, service, route, apiKey, quota, policy, certificate, worker, joinToken, `operator`

    /// Where a kind's resources live.
    public enum Scope: Sendable {
        /// `/v1/{plural}`
        case global
        /// `/v1/tenants/{tenant}/{plural}`
        case tenant
    }

    /// The kind's declaration: the one place from which REST, validation, the log, apply and the CLI work.
    public var spec: any ResourceSpec.Type {
        switch self {
        case .tenant: Tenant.self
        case .service: Service.self
        case .route: Route.self
        case .apiKey: APIKey.self
        case .quota: Quota.self
        case .policy: Policy.self
        case .certificate: Certificate.self
        case .worker: Worker.self
        case .joinToken: JoinToken.self
        case .operator: Operator.self
        }
    }

    public var plural: String { spec.plural }
    public var idPrefix: String { spec.idPrefix }
    public var scope: Scope { spec.scope }

    public init?(plural: some StringProtocol) {
        guard let kind = Kind.allCases.first(where: { $0.plural == plural }) else { return nil }
        self = kind
    }

    /// In the order in which a bundle must be read so that what is referred to comes first.
    public static func < (a: Kind, b: Kind) -> Bool { a.order < b.order }

    /// Not by the raw value, as is the rule: to hash a text costs many times as much.
    public func hash(into hasher: inout Hasher) { hasher.combine(order) }

    private var order: UInt8 {
        switch self {
        case .tenant: 0
        case .service: 1
        case .route: 2
        case .apiKey: 3
        case .quota: 4
        case .policy: 5
        case .certificate: 6
        case .worker: 7
        case .joinToken: 8
        case .operator: 9
        }
    }
}

/// What a resource says beyond its envelope. Adding a kind is: one folder with a type that conforms, one case in `Kind`,
/// and what the compiler makes of it.
public protocol ResourceSpec: Sendable, Hashable {
    static var kind: Kind { get }
    /// The collection's name in paths.
    static var plural: String { get }
    static var idPrefix: String { get }
    static var scope: Kind.Scope { get }
    /// Whether clients may leave the name out, so that the id serves as name.
    static var isNameOptional: Bool { get }
    /// Whether clients may create one by REST. Workers come into being by joining.
    static var isCreatedByClients: Bool { get }
    /// The credential that creation makes and shows once, where the kind has one.
    static var credential: CredentialDeclaration? { get }
    /// Fields that a client may send and that no stored document shows to people.
    static var fieldsNotShown: Set<String> { get }
    /// Fields with lists that the server writes, and that are not read where a client sends them back.
    static var listsOfServer: Set<String> { get }

    /// Reads and validates; faults go to the reader.
    init(reading fields: inout FieldReader)
    func write(to fields: inout FieldWriter)
    /// The resources that must exist for this one to make sense.
    var references: [Reference] { get }
}

extension ResourceSpec {
    public static var scope: Kind.Scope { .tenant }
    public static var isNameOptional: Bool { false }
    public static var isCreatedByClients: Bool { true }
    public static var credential: CredentialDeclaration? { nil }
    public static var fieldsNotShown: Set<String> { [] }
    public static var listsOfServer: Set<String> { [] }
    public var references: [Reference] { [] }

    func equals(_ other: any ResourceSpec) -> Bool { other as? Self == self }
}

/// How a kind's credential is made and shown.
public struct CredentialDeclaration: Sendable {
    /// The field of the creation's answer that holds the plaintext, the only time that it is shown.
    public var field: String
    /// What the secret begins with: `tp_live`, `tp_op`, `tp_join`.
    public var prefix: String
}

/// A kind whose resources hold a credential: only the digest is stored, the hint is for display.
public protocol CredentialSpec: ResourceSpec {
    /// SHA-256 of the secret in lower-case hexadecimal; empty until issued.
    var digest: String { get set }
    /// The secret's first characters.
    var hint: String { get set }
    var expiresAt: Timestamp? { get }
}

/// One resource's need of another.
public struct Reference: Sendable, Hashable {
    public var kind: Kind
    /// The name of a resource of the same tenant, or of a tenant.
    public var name: String
    /// The field that names it.
    public var pointer: JSONPointer

    public init(_ kind: Kind, _ name: String, at pointer: JSONPointer) {
        self.kind = kind
        self.name = name
        self.pointer = pointer
    }
}
