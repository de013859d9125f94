// SPDX-License-Identifier: Apache-2.0

/// The sealing keys that a control plane has: the first seals, all of them open. So the key can be changed: a new one comes first,
/// what was sealed by the others is sealed anew, and then they can go.
public struct SealingKeys: Sendable {
    /// Keys at most; gateways keep as many.
    public static let most = 8

    /// The one that seals.
    public let first: SealingKey
    /// Those that only open, the newest first.
    public let former: [SealingKey]

    public var all: [SealingKey] { [first] + former }

    public init(_ first: SealingKey, former: [SealingKey] = []) {
        self.first = first
        self.former = former
    }

    /// Keys as ``text`` writes them, with space around and empty lines between; `nil` for anything else, for more than
    /// ``most`` keys, and for the same one twice.
    public init?(text: String) {
        // One key may be broken into lines.
        let lines = SealingKey(text: text) == nil ? text.split(whereSeparator: \.isNewline).map(String.init) : [text]
        let keys = lines.filter { !$0.allSatisfy(\.isWhitespace) }.map { SealingKey(text: $0) }
        guard let first = keys.first ?? nil, keys.count <= Self.most, !keys.contains(where: { $0 == nil }),
            Set(keys.map { $0?.id }).count == keys.count
        else { return nil }
        self.init(first, former: keys.dropFirst().compactMap(\.self))
    }

    /// A secret, for the file that keeps them: a line each, the first one first.
    public var text: String { all.map { $0.text + "\n" }.joined() }

    /// These, with a new key before them; `nil` where there are as many as there may be.
    public func rotated(to key: SealingKey = SealingKey()) -> SealingKeys? {
        former.count + 1 < Self.most ? SealingKeys(key, former: all) : nil
    }

    /// These without a former one.
    public func dropping(_ id: String) -> SealingKeys {
        SealingKeys(first, former: former.filter { $0.id != id })
    }

    /// Opens by whichever key has sealed.
    ///
    /// - Throws: as ``SealingKey/open(_:for:)`` does.
    public func open(_ text: String, for use: SealingKey.Use) throws(SealingFault) -> String {
        let id = SealingKey.id(in: text)
        return try (former.first { $0.id == id } ?? first).open(text, for: use)
    }

    /// What is sealed by the first key, where another has sealed it; otherwise the text as it is.
    ///
    /// - Throws: where none of the keys has sealed it, or it does not open.
    public func sealedByFirst(_ text: String, for use: SealingKey.Use) throws(SealingFault) -> String {
        if SealingKey.id(in: text) == first.id { return text }
        return try first.seal(try open(text, for: use), for: use)
    }
}
