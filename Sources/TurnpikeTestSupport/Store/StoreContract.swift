// SPDX-License-Identifier: Apache-2.0

public import Testing
public import TurnpikeControl
import TurnpikeModel

/// What every implementation of `Store` must do, clause by clause. An implementation's tests run each clause against a
/// new, empty store:
///
/// ```swift
/// @Test(arguments: StoreContract.clauses)
/// func `the store keeps its contract`(clause: StoreContract.Clause) async throws {
///     try await clause.verify(makeStore())
/// }
/// ```
public enum StoreContract {
    /// One guarantee. Records Swift Testing issues where the store breaks it.
    public struct Clause: Sendable, CustomTestStringConvertible {
        public let testDescription: String
        private let check: @Sendable (any Store) async throws -> Void

        init(_ sentence: String, _ check: @escaping @Sendable (any Store) async throws -> Void) {
            testDescription = sentence
            self.check = check
        }

        /// - Parameter store: a new, empty store.
        public func verify(_ store: any Store) async throws { try await check(store) }
    }

    public static let clauses: [Clause] = log + access + references + usage + reports + leases

    /// Expects that `body` fails as stores fail.
    package static func expectRefusal(
        _ what: String, sourceLocation: SourceLocation = #_sourceLocation, _ body: () async throws -> Void
    ) async {
        do {
            try await body()
            Issue.record("\(what) was taken", sourceLocation: sourceLocation)
        } catch {
            let code = (error as? TurnpikeError)?.code
            #expect(code == .storageFailed, "\(what): \(error)", sourceLocation: sourceLocation)
        }
    }
}
