// SPDX-License-Identifier: Apache-2.0

/// A place in a JSON text (RFC 6901), such as `/match/paths/0/prefix`. The empty pointer is the whole text.
public struct JSONPointer: Sendable, Hashable, CustomStringConvertible {
    public private(set) var description: String

    public init() { description = "" }

    public func appending(_ name: String) -> JSONPointer {
        var pointer = self
        pointer.description += "/"
        guard name.utf8.contains(where: { $0 == UInt8(ascii: "~") || $0 == UInt8(ascii: "/") }) else {
            pointer.description += name
            return pointer
        }
        for character in name.unicodeScalars {
            switch character {
            case "~": pointer.description += "~0"
            case "/": pointer.description += "~1"
            default: pointer.description.unicodeScalars.append(character)
            }
        }
        return pointer
    }

    public func appending(_ index: Int) -> JSONPointer {
        var pointer = self
        pointer.description += "/\(index)"
        return pointer
    }

    /// The place that `relative` points to from here.
    public func appending(_ relative: JSONPointer) -> JSONPointer {
        var pointer = self
        pointer.description += relative.description
        return pointer
    }
}
