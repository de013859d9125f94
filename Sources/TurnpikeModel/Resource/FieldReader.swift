// SPDX-License-Identifier: Apache-2.0

/// Reads the fields of one JSON object and collects everything that is wrong with it, so that one bad field never
/// hides another.
///
/// A reading method always gives back a value of its type. Where the field is missing or wrong, a fault is recorded and
/// the value is only a stand-in: what was built from it must be thrown away when `faults` is not empty after `finish()`.
/// Fields that nobody read are faults too, and so is `null`: who wants none of a field leaves it out. (A merge patch says so with
/// `null`; what it makes is read here, and has none.)
public struct FieldReader {
    /// Whose document is read. Storage holds fields (digests) that no client may set.
    public enum Source: Sendable { case request, storage }

    public let source: Source
    public let pointer: JSONPointer
    public private(set) var faults: [Fault] = []
    private let object: JSONObject
    /// Of the object's members, by their places: a bit each for the first 64, places for those beyond.
    private var readBits: UInt64 = 0
    private var readBeyond: Set<Int> = []
    /// The place behind the member that was found last.
    private var next = 0

    /// - Parameter nullable: fields in which `null` is no fault, but says the same as leaving them out.
    public init(_ json: JSON, source: Source, at pointer: JSONPointer = JSONPointer(), nullable: [String] = []) {
        self.source = source
        self.pointer = pointer
        var object = json.object ?? JSONObject()
        for name in nullable where object[name]?.isNull == true { object[name] = nil }
        self.object = object
        if json.object == nil { faults.append(Fault(pointer, .type, "Must be an object, not \(json.typeName).")) }
    }

    /// Records the fields that nobody read, and those that are `null`. Call once, last.
    public mutating func finish() {
        for (place, member) in object.members.enumerated() {
            if !isRead(place) {
                report(member.name, .unknown, "There is no field '\(member.name)' here.")
            } else if member.value.isNull {
                reportNull(member.name)
            }
        }
    }

    /// Where something else is wrong with the field already, as that it is required, that says enough.
    private mutating func reportNull(_ name: String) {
        let place = pointer.appending(name)
        guard !faults.contains(where: { $0.pointer == place }) else { return }
        report(name, .type, "'\(name)' must not be null; leave it out where there is none.")
    }

    private func isRead(_ place: Int) -> Bool {
        place < 64 ? readBits & (1 << UInt64(place)) != 0 : readBeyond.contains(place)
    }

    /// The member's value, which counts as read from now on.
    private mutating func reading(_ name: String) -> JSON? {
        guard let place = place(of: name) else { return nil }
        if place < 64 { readBits |= 1 << UInt64(place) } else { readBeyond.insert(place) }
        next = place + 1
        return object.members[place].value
    }

    /// Looks behind the member that was found last, and then before it: stored documents are read in the order in which they
    /// were written, and there are millions of them.
    private func place(of name: String) -> Int? {
        let members = object.members
        return members[next...].firstIndex { $0.name == name } ?? members[..<next].firstIndex { $0.name == name }
    }

    public mutating func report(_ name: String, _ rule: Fault.Rule, _ detail: String) {
        faults.append(Fault(pointer.appending(name), rule, detail))
    }

    public mutating func report(_ faults: [Fault]) { self.faults += faults }

    /// The raw field; nil where it is absent, or `null`, which ``finish()`` reports.
    public mutating func take(_ name: String) -> JSON? {
        guard let value = reading(name), !value.isNull else { return nil }
        return value
    }

    /// Whether the field is there and not `null`.
    public func has(_ name: String) -> Bool { object[name].map { !$0.isNull } ?? false }

    /// A field that the server writes and clients may send back unchanged with a document they have read.
    public mutating func ignore(_ names: String...) { names.forEach { _ = reading($0) } }

    mutating func missing<Value>(_ name: String, _ fallback: Value?, _ placeholder: Value) -> Value {
        if let fallback { return fallback }
        report(name, .required, "'\(name)' is required.")
        return placeholder
    }

    mutating func wrongType<Value>(_ name: String, _ value: JSON, _ expected: String, _ placeholder: Value) -> Value {
        report(name, .type, "'\(name)' must be \(expected), not \(value.typeName).")
        return placeholder
    }
}

// MARK: - Scalars. Without a default a field is required.

extension FieldReader {
    public mutating func bool(_ name: String, default fallback: Bool? = nil) -> Bool {
        guard let value = take(name) else { return missing(name, fallback, false) }
        return value.bool ?? wrongType(name, value, "true or false", false)
    }

    public mutating func integer(_ name: String, in range: ClosedRange<Int64>, default fallback: Int64? = nil) -> Int64
    {
        guard let value = take(name) else { return missing(name, fallback, range.lowerBound) }
        guard let integer = value.integer else { return wrongType(name, value, "an integer", range.lowerBound) }
        if !range.contains(integer) {
            report(name, .range, "'\(name)' must be from \(range.lowerBound) to \(range.upperBound).")
        }
        return integer
    }

    /// Text without control characters.
    public mutating func string(
        _ name: String, length: ClosedRange<Int> = 0...1024, default fallback: String? = nil
    ) -> String {
        guard let value = take(name) else { return missing(name, fallback, "") }
        return text(value, name, length)
    }

    public mutating func optionalString(_ name: String, length: ClosedRange<Int> = 0...1024) -> String? {
        take(name).map { text($0, name, length) }
    }

    private mutating func text(_ value: JSON, _ name: String, _ length: ClosedRange<Int>) -> String {
        guard let string = value.string else { return wrongType(name, value, "a string", "") }
        let pointer = pointer
        checkText(string, length, pointer.appending(name), name)
        return string
    }

    /// The name of another resource.
    public mutating func name(_ name: String) -> String {
        let value = string(name, length: 1...63, default: nil)
        if !value.isEmpty, !Name.isValid(value) { report(name, .format, "'\(name)' \(Name.rule).") }
        return value
    }

    public mutating func duration(
        _ name: String, in range: ClosedRange<Duration>, default fallback: Duration? = nil
    ) -> Duration {
        guard let value = take(name) else { return missing(name, fallback, range.lowerBound) }
        guard let string = value.string else {
            return wrongType(name, value, "a duration such as \"250ms\", \"30s\" or \"1h\"", range.lowerBound)
        }
        guard let duration = Duration(text: string) else {
            report(name, .format, "'\(name)' must be a duration such as \"250ms\", \"30s\" or \"1h\".")
            return range.lowerBound
        }
        if !range.contains(duration) {
            report(name, .range, "'\(name)' must be from \(range.lowerBound.text) to \(range.upperBound.text).")
        }
        return duration
    }

    public mutating func timestamp(_ name: String) -> Timestamp? {
        guard let value = take(name) else { return nil }
        guard let string = value.string else { return wrongType(name, value, "an RFC 3339 time", nil) }
        guard let timestamp = Timestamp(string) else {
            report(name, .format, "'\(name)' must be an RFC 3339 time such as \"2026-03-01T12:00:00Z\".")
            return nil
        }
        return timestamp
    }

    public mutating func choice<Choice: RawRepresentable & CaseIterable>(
        _ name: String, _ type: Choice.Type = Choice.self, default fallback: Choice? = nil
    ) -> Choice where Choice.RawValue == String, Choice.AllCases == [Choice] {
        let first = Choice.allCases[0]
        guard let value = take(name) else { return missing(name, fallback, first) }
        guard let string = value.string else { return wrongType(name, value, "a string", first) }
        guard let choice = Choice(rawValue: string) else {
            let choices = Choice.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: ", ")
            report(name, .choice, "'\(name)' must be \(Choice.allCases.count > 1 ? "one of " : "")\(choices).")
            return first
        }
        return choice
    }

    /// - Parameter pointer: made only where there is something to say.
    private mutating func checkText(
        _ text: String, _ length: ClosedRange<Int>, _ pointer: @autoclosure () -> JSONPointer, _ name: String
    ) {
        var (text, scalars, hasControls) = (text, 0, false)
        text.withUTF8 { bytes in
            for byte in bytes {
                // Bytes that go on with a character begin none.
                if byte & 0xC0 != 0x80 { scalars += 1 }
                if byte < 0x20 || byte == 0x7F { hasControls = true }
            }
        }
        if !length.contains(scalars) {
            let bounds = "\(length.lowerBound) to \(length.upperBound)"
            report([Fault(pointer(), .length, "'\(name)' must have \(bounds) characters.")])
        } else if hasControls {
            report([Fault(pointer(), .format, "'\(name)' must not hold control characters.")])
        }
    }
}

// MARK: - Composites

extension FieldReader {
    /// An object, read by a reader of its own. `nil` where the field is absent.
    public mutating func object<Value>(_ name: String, _ read: (inout FieldReader) -> Value) -> Value? {
        guard let value = take(name) else { return nil }
        return nested(value, pointer.appending(name), read)
    }

    /// A list whose elements are objects.
    public mutating func list<Value>(
        _ name: String, count: ClosedRange<Int>, _ read: (inout FieldReader) -> Value
    ) -> [Value] {
        elements(name, count: count).map { nested($0.element, pointer.appending(name).appending($0.offset), read) }
    }

    /// A list of distinct strings, each checked by `check`, which says what is wrong or nothing.
    public mutating func strings(
        _ name: String, count: ClosedRange<Int>, check: (String) -> String? = { _ in nil }
    ) -> [String] {
        var seen: Set<String> = []
        var result: [String] = []
        for (index, element) in elements(name, count: count) {
            let place = pointer.appending(name).appending(index)
            guard let string = element.string else {
                report([Fault(place, .type, "Must be a string, not \(element.typeName).")])
                continue
            }
            if let wrong = check(string) { report([Fault(place, .format, wrong)]) }
            if !seen.insert(string).inserted { report([Fault(place, .unique, "'\(string)' stands twice.")]) }
            result.append(string)
        }
        return result
    }

    /// `{"tier":"gold"}`: up to 64 labels, keys like names, values up to 63 characters.
    public mutating func labels(_ name: String = "labels") -> Labels {
        guard let value = take(name) else { return [:] }
        guard let object = value.object else { return wrongType(name, value, "an object of strings", [:]) }
        var labels: Labels = [:]
        if object.count > 64 { report(name, .length, "'\(name)' must have at most 64 members.") }
        for member in object.members {
            let place = pointer.appending(name).appending(member.name)
            if !Name.isValid(member.name) { report([Fault(place, .format, "The label's key \(Name.rule).")]) }
            guard let text = member.value.string else {
                report([Fault(place, .type, "Must be a string, not \(member.value.typeName).")])
                continue
            }
            checkText(text, 0...63, place, member.name)
            labels[member.name] = text
        }
        return labels
    }

    /// An object whose members are texts, in their order; `check` says what is wrong with a member's name, or nothing.
    public mutating func texts(
        _ name: String, count: ClosedRange<Int>, length: ClosedRange<Int>, check: (String) -> String?
    ) -> [(name: String, value: String)] {
        guard let value = take(name) else { return [] }
        guard let object = value.object else { return wrongType(name, value, "an object of strings", []) }
        if !count.contains(object.count) {
            report(name, .length, "'\(name)' must have \(count.lowerBound) to \(count.upperBound) members.")
        }
        var texts: [(name: String, value: String)] = []
        for member in object.members.prefix(count.upperBound) {
            let place = pointer.appending(name).appending(member.name)
            if let wrong = check(member.name) { report([Fault(place, .format, wrong)]) }
            guard let text = member.value.string else {
                report([Fault(place, .type, "Must be a string, not \(member.value.typeName).")])
                continue
            }
            checkText(text, length, place, member.name)
            texts.append((member.name, text))
        }
        return texts
    }

    private mutating func elements(_ name: String, count: ClosedRange<Int>) -> [(offset: Int, element: JSON)] {
        guard let value = take(name) else {
            if count.lowerBound > 0 { report(name, .required, "'\(name)' is required.") }
            return []
        }
        guard let array = value.array else { return wrongType(name, value, "an array", []) }
        if !count.contains(array.count) {
            report(name, .length, "'\(name)' must have \(count.lowerBound) to \(count.upperBound) elements.")
        }
        return Array(array.prefix(count.upperBound).enumerated())
    }

    private mutating func nested<Value>(
        _ json: JSON, _ pointer: JSONPointer, _ read: (inout FieldReader) -> Value
    ) -> Value {
        var reader = FieldReader(json, source: source, at: pointer)
        let value = read(&reader)
        reader.finish()
        faults += reader.faults
        return value
    }
}

/// Free key-value pairs by which people group resources and policies select them.
public typealias Labels = [String: String]

extension Dictionary where Key == String, Value == String {
    /// The labels as JSON, keys sorted, so that equal labels have equal texts.
    public var json: JSON {
        var object = JSONObject()
        for (key, value) in sorted(by: { $0.key < $1.key }) { object.append(key, .string(value)) }
        return .object(object)
    }

    /// Whether all of `selector`'s pairs are here.
    public func satisfy(_ selector: Labels) -> Bool { selector.allSatisfy { self[$0.key] == $0.value } }
}
