// SPDX-License-Identifier: Apache-2.0

import Foundation

/// A file that says what a result must be, kept beside the test in `Golden/`. With `UPDATE_GOLDEN=1` in the environment
/// it is written anew, to be read over and committed.
public struct Golden: Sendable {
    private let url: URL

    /// - Parameter test: the test's own file.
    public init(_ name: String, besides test: String = #filePath) {
        url = URL(filePath: test).deletingLastPathComponent().appending(path: "Golden").appending(path: name)
    }

    /// What the file says; after an update, `actual`.
    ///
    /// - Throws: where there is no such file.
    public func text(updatedWith actual: String) throws -> String {
        if ProcessInfo.processInfo.environment["UPDATE_GOLDEN"] == "1" {
            try FileManager.default.createDirectory(
                at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(actual.utf8).write(to: url)
        }
        return String(decoding: try Data(contentsOf: url), as: UTF8.self)
    }
}
