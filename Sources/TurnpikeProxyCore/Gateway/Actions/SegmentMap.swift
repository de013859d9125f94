// SPDX-License-Identifier: Apache-2.0

/// Which part of a path each parameter of a template stands for, found anew for each question: nothing is kept between
/// requests, and nothing allocated.
struct SegmentMap: Sendable {
    private let segments: [PathTemplate.Segment]
    private let names: [String?]
    /// Of `{name+}`.
    private let greedy: Int?

    init(_ template: String) throws(RouteTable.Fault.Reason) {
        segments = try PathTemplate(template, allowsParameters: true).segments
        names = template.dropFirst().split(separator: "/", omittingEmptySubsequences: false).map { segment in
            guard let open = segment.firstIndex(of: "{") else { return nil }
            return String(segment[segment.index(after: open)...].prefix { $0 != "}" && $0 != "+" })
        }
        greedy = segments.firstIndex(of: .greedy)
    }

    /// The place of a parameter, for ``part(_:of:)``.
    func position(of name: String) -> Int? { names.firstIndex(of: name) }

    /// Whether a path in normal form has the template's shape.
    func fits(_ path: UnsafeRawBufferPointer) -> Bool {
        let count = Self.segmentCount(path)
        guard greedy == nil ? count == segments.count : count >= segments.count else { return false }
        return segments.indices.allSatisfy { position in
            let part = path[self.part(position, of: path)]
            return switch segments[position] {
            case .literal(let text): part.elementsEqual(text)
            case .affixed(let prefix, let suffix):
                Affix(prefix: prefix, suffix: suffix, child: 0).fits(part)
            case .parameter, .greedy: !part.isEmpty
            }
        }
    }

    /// What stands at a place of the template in a path of its shape, without literal text around the parameter.
    func part(_ position: Int, of path: UnsafeRawBufferPointer) -> ByteRange {
        let surplus = max(Self.segmentCount(path) - segments.count, 0)
        var (first, count) = (position, 1)
        if let greedy, position >= greedy {
            if position == greedy { count += surplus } else { first += surplus }
        }
        var start = 0
        for _ in 0...first { start = Self.next(path, after: start) }
        var end = start
        for _ in 0..<count { end = Self.next(path, after: end) }
        let range = ByteRange(min(start, path.count), min(max(end - 1, start), path.count))
        guard case .affixed(let prefix, let suffix) = segments[position], range.count > prefix.count + suffix.count
        else { return range }
        return ByteRange(range.lowerBound + prefix.count, range.upperBound - suffix.count)
    }

    /// Behind the next slash; one behind the end where there is none.
    private static func next(_ path: UnsafeRawBufferPointer, after start: Int) -> Int {
        var offset = start
        while offset < path.count, path[offset] != ASCII.slash { offset += 1 }
        return offset + 1
    }

    private static func segmentCount(_ path: UnsafeRawBufferPointer) -> Int {
        var count = 0
        for byte in path where byte == ASCII.slash { count += 1 }
        return count
    }
}
