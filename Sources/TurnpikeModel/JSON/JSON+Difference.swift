// SPDX-License-Identifier: Apache-2.0

/// One place at which two JSON values differ.
public struct JSONDifference: Sendable, Hashable {
    public var pointer: JSONPointer
    /// `nil`: there is nothing at the place.
    public var before: JSON?
    public var after: JSON?

    public init(pointer: JSONPointer, before: JSON?, after: JSON?) {
        self.pointer = pointer
        self.before = before
        self.after = after
    }
}

extension JSON {
    /// Where another value differs from this one, in the order of this one's members and then the other's. Objects are
    /// compared member by member and arrays of one length element by element; all else differs as a whole.
    public func differences(to other: JSON, at pointer: JSONPointer = JSONPointer()) -> [JSONDifference] {
        switch (self, other) {
        case _ where self == other: return []
        case (.object(let before), .object(let after)):
            let added = after.names.filter { before[$0] == nil }
            return (before.names + added).flatMap { name -> [JSONDifference] in
                let place = pointer.appending(name)
                guard let left = before[name], let right = after[name] else {
                    return [JSONDifference(pointer: place, before: before[name], after: after[name])]
                }
                return left.differences(to: right, at: place)
            }
        case (.array(let before), .array(let after)) where before.count == after.count:
            return zip(before, after).enumerated().flatMap { index, pair in
                pair.0.differences(to: pair.1, at: pointer.appending(index))
            }
        default: return [JSONDifference(pointer: pointer, before: self, after: other)]
        }
    }
}
