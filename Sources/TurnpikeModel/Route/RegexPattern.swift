// SPDX-License-Identifier: Apache-2.0

/// The check that a route's regular expression passes before it is taken.
enum RegexPattern {
    /// What is wrong with it, if anything: it must compile, and no repetition may stand within another, since such
    /// patterns can take exponential time on paths that nearly match.
    static func fault(in pattern: String) -> String? {
        guard (try? Regex(pattern)) != nil else { return "'\(pattern)' is not a valid regular expression." }
        return nestsRepetition(pattern) ? "'\(pattern)' repeats a group that itself repeats, which can take exponential time." : nil
    }

    private static func nestsRepetition(_ pattern: String) -> Bool {
        var groupRepeats: [Bool] = [false]
        var closedGroupRepeats = false
        var inClass = false
        var escaped = false
        for character in pattern {
            defer { if character != ")" || escaped { closedGroupRepeats = false } }
            if escaped {
                escaped = false
                continue
            }
            switch character {
            case "\\": escaped = true
            case "[": inClass = true
            case "]": inClass = false
            case _ where inClass: break
            case "(": groupRepeats.append(false)
            case ")":
                closedGroupRepeats = groupRepeats.count > 1 ? groupRepeats.removeLast() : false
                if closedGroupRepeats { groupRepeats[groupRepeats.count - 1] = true }
            case "*", "+", "{":
                if closedGroupRepeats { return true }
                groupRepeats[groupRepeats.count - 1] = true
            default: break
            }
        }
        return false
    }
}
