// SPDX-License-Identifier: Apache-2.0

public import TurnpikeModel

/// Something about a write that the state does not allow.
struct Problem {
    var code: ErrorCode
    /// Where the body says it; `nil` where no body does, as in a deletion.
    var pointer: JSONPointer?
    var rule: Fault.Rule
    var detail: String

    init(_ code: ErrorCode, at pointer: JSONPointer?, _ rule: Fault.Rule, _ detail: String) {
        self.code = code
        self.pointer = pointer
        self.rule = rule
        self.detail = detail
    }
}

extension TurnpikeError {
    /// All problems of one write as one refusal: with their code where they share it, else as an invalid body.
    init(_ problems: [Problem]) {
        let codes = Set(problems.map(\.code))
        self.init(
            codes.count == 1 ? problems[0].code : .invalidResource,
            problems.count == 1 ? problems[0].detail : "\(problems.count) things are not possible as things stand.",
            faults: problems.compactMap { problem in
                problem.pointer.map { Fault($0, problem.rule, problem.detail) }
            }
        )
    }

    static func notFound(_ kind: Kind, tenant: String?, name: String) -> TurnpikeError {
        let place = tenant.map { " in tenant '\($0)'" } ?? ""
        return TurnpikeError(.notFound, "There is no \(kind.rawValue) '\(name)'\(place).")
    }

    static func notFound(_ key: ResourceKey) -> TurnpikeError {
        notFound(key.kind, tenant: key.tenant, name: key.name)
    }

    /// The same words whatever was wrong, so that a caller learns nothing from them.
    static var unauthenticated: TurnpikeError { TurnpikeError(.unauthenticated, "The credential is not valid.") }

    /// What whoever comes during a shutdown is told: the next process may be there in a moment.
    public static var shuttingDown: TurnpikeError {
        TurnpikeError(.draining, "The control plane is shutting down.", retryAfter: .seconds(1))
    }

    /// What a failure of the store is to callers.
    static func storage(_ error: any Error) -> TurnpikeError {
        if let known = error as? TurnpikeError { return known }
        return TurnpikeError(.storageFailed, "The storage failed; nothing was changed.", cause: error)
    }
}
