// SPDX-License-Identifier: Apache-2.0

public import TurnpikeModel

/// Why a request does not fulfil a route's conditions: the test that decided it, and how it came out.
public struct ConditionFailure: Sendable, Hashable {
    public let test: ConditionTest
    public let held: Bool

    public init(test: ConditionTest, held: Bool) {
        self.test = test
        self.held = held
    }
}

/// Conditions of one route in the form in which requests are held against them: steps in a flat array, each of which
/// leads to a later one or to the end, whichever way it is answered. So a run takes at most as many steps as there are
/// tests, and it allocates nothing, apart from a scratch buffer that is kept.
struct ConditionProgram: Sendable {
    enum Subject: UInt8, Sendable { case header, query, cookie, method, path, host, address }

    private enum Relation: UInt8, Sendable {
        case isOneOf, startsWith, endsWith, contains, matches, exists, isWithin
    }

    private struct Step: Sendable {
        let subject: Subject
        let relation: Relation
        /// In `bytes`.
        let name: ByteRange
        /// In `texts`, `expressions` or `ranges`, by the relation.
        let operands: Range<UInt32>
        let ifTrue: UInt16
        let ifFalse: UInt16
    }

    /// Where a run ends.
    private static let accepted: UInt16 = .max
    private static let refused: UInt16 = .max - 1

    private var steps: [Step] = []
    /// The test of each step, for explanations.
    private var tests: [ConditionTest] = []
    private var bytes: [UInt8] = []
    /// For each byte of a text that is searched for: how much of the text a match that fails behind it still has.
    private var borders: [UInt16] = []
    private var texts: [ByteRange] = []
    private var expressions: [PathExpression] = []
    private var ranges: [AddressRange] = []

    /// - Throws: `tooManyConditions` above ``RouteTable/mostTests``, `badExpression`.
    init(_ conditions: [ConditionExpression]) throws(RouteTable.Fault.Reason) {
        guard !conditions.isEmpty else { return }
        // Built from the end, where the targets are known already, and turned round.
        let first = try append(.all(conditions), ifTrue: Self.accepted, ifFalse: Self.refused)
        guard !steps.isEmpty else { return }
        let last = UInt16(steps.count - 1)
        func turned(_ target: UInt16) -> UInt16 { target >= Self.refused ? target : last - target }
        steps = steps.reversed().map { step in
            Step(
                subject: step.subject, relation: step.relation, name: step.name, operands: step.operands,
                ifTrue: turned(step.ifTrue), ifFalse: turned(step.ifFalse))
        }
        tests.reverse()
        assert(turned(first) == 0)
    }

    /// - Returns: where the expression's run begins.
    private mutating func append(
        _ expression: ConditionExpression, ifTrue: UInt16, ifFalse: UInt16
    ) throws(RouteTable.Fault.Reason) -> UInt16 {
        switch expression {
        case .test(let test): return try append(test, ifTrue: ifTrue, ifFalse: ifFalse)
        case .not(let inner): return try append(inner, ifTrue: ifFalse, ifFalse: ifTrue)
        case .all(let parts):
            var next = ifTrue
            for part in parts.reversed() { next = try append(part, ifTrue: next, ifFalse: ifFalse) }
            return next
        case .any(let parts):
            var next = ifFalse
            for part in parts.reversed() { next = try append(part, ifTrue: ifTrue, ifFalse: next) }
            return next
        }
    }

    private mutating func append(
        _ test: ConditionTest, ifTrue: UInt16, ifFalse: UInt16
    ) throws(RouteTable.Fault.Reason) -> UInt16 {
        guard steps.count < RouteTable.mostTests else { throw .tooManyConditions }
        let (subject, name) = Self.subject(test.subject)
        let (relation, operands) = try self.operands(of: test.relation)
        steps.append(
            Step(
                subject: subject, relation: relation, name: append(name), operands: operands, ifTrue: ifTrue,
                ifFalse: ifFalse))
        tests.append(test)
        return UInt16(steps.count - 1)
    }

    private static func subject(_ subject: ConditionTest.Subject) -> (Subject, name: String) {
        switch subject {
        case .header(let name): (.header, name)
        case .query(let name): (.query, name)
        case .cookie(let name): (.cookie, name)
        case .method: (.method, "")
        case .path: (.path, "")
        case .host: (.host, "")
        case .address: (.address, "")
        }
    }

    private mutating func operands(
        of relation: ConditionTest.Relation
    ) throws(RouteTable.Fault.Reason) -> (Relation, Range<UInt32>) {
        switch relation {
        case .equals(let text): return (.isOneOf, append(texts: [text]))
        case .isOneOf(let texts): return (.isOneOf, append(texts: texts))
        case .startsWith(let text): return (.startsWith, append(texts: [text]))
        case .endsWith(let text): return (.endsWith, append(texts: [text]))
        case .contains(let text):
            let range = append(texts: [text])
            addBorders(of: texts[Int(range.lowerBound)])
            return (.contains, range)
        case .exists: return (.exists, 0..<0)
        case .matches(let pattern):
            do { expressions.append(try PathExpression(pattern)) } catch { throw .badExpression(error) }
            return (.matches, Self.last(1, of: expressions.count))
        case .isWithin(let added):
            ranges += added
            return (.isWithin, Self.last(added.count, of: ranges.count))
        }
    }

    private mutating func append(texts added: [String]) -> Range<UInt32> {
        for text in added { texts.append(append(text)) }
        return Self.last(added.count, of: texts.count)
    }

    private mutating func append(_ text: String) -> ByteRange {
        let start = bytes.count
        bytes += text.utf8
        borders += repeatElement(0, count: bytes.count - start)
        return ByteRange(start, bytes.count)
    }

    /// By Knuth, Morris and Pratt.
    private mutating func addBorders(of text: ByteRange) {
        var border = 0
        for position in text.lowerBound + 1..<max(text.upperBound, text.lowerBound + 1) {
            while border > 0, bytes[text.lowerBound + border] != bytes[position] {
                border = Int(borders[text.lowerBound + border - 1])
            }
            if bytes[text.lowerBound + border] == bytes[position] { border += 1 }
            borders[position] = UInt16(clamping: border)
        }
    }

    private static func last(_ count: Int, of total: Int) -> Range<UInt32> { UInt32(total - count)..<UInt32(total) }
}

// MARK: - Running

extension ConditionProgram {
    /// Whether all conditions hold.
    @inline(__always)
    func holds(for facts: RequestFacts) -> Bool { steps.isEmpty || run(facts).isAccepted }

    /// Nil where all conditions hold.
    func failure(for facts: RequestFacts) -> ConditionFailure? {
        guard !steps.isEmpty else { return nil }
        let end = run(facts)
        return end.isAccepted ? nil : ConditionFailure(test: tests[end.step], held: end.held)
    }

    private func run(_ facts: RequestFacts) -> (isAccepted: Bool, step: Int, held: Bool) {
        bytes.withUnsafeBytes { bytes in
            var position = 0
            while true {
                let held = answer(steps[position], facts, bytes)
                let next = held ? steps[position].ifTrue : steps[position].ifFalse
                guard next < Self.refused else { return (next == Self.accepted, position, held) }
                position = Int(next)
            }
        }
    }

    private func answer(_ step: Step, _ facts: RequestFacts, _ bytes: UnsafeRawBufferPointer) -> Bool {
        if step.relation == .isWithin {
            guard let client = facts.address else { return false }
            for range in step.operands where ranges[Int(range)].contains(client) { return true }
            return false
        }
        let found = facts.value(of: step.subject, named: bytes[step.name])
        if step.relation == .exists { return found != nil }
        let value = found ?? UnsafeRawBufferPointer(start: nil, count: 0)
        if step.relation == .matches { return expressions[Int(step.operands.lowerBound)].matches(value) }
        for operand in step.operands where holds(step.relation, value, texts[Int(operand)], bytes) { return true }
        return false
    }

    private func holds(
        _ relation: Relation, _ value: UnsafeRawBufferPointer, _ range: ByteRange, _ bytes: UnsafeRawBufferPointer
    ) -> Bool {
        let text = bytes[range]
        guard value.count >= text.count, !text.isEmpty || relation == .isOneOf else { return text.isEmpty }
        return switch relation {
        case .isOneOf: value.count == text.count && value.starts(with: text)
        case .startsWith: value.starts(with: text)
        case .endsWith: value.suffix(text.count).elementsEqual(text)
        case .contains: contains(value, text, borders[range.lowerBound..<range.upperBound])
        case .matches, .exists, .isWithin: false
        }
    }

    /// In time that follows the value, whatever stands in it.
    private func contains(
        _ value: UnsafeRawBufferPointer, _ text: UnsafeRawBufferPointer, _ borders: ArraySlice<UInt16>
    ) -> Bool {
        var matched = 0
        for byte in value {
            while matched > 0, text[matched] != byte {
                matched = Int(borders[borders.startIndex + matched - 1])
            }
            if text[matched] == byte { matched += 1 }
            if matched == text.count { return true }
        }
        return false
    }
}
