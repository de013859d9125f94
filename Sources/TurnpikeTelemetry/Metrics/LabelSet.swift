// SPDX-License-Identifier: Apache-2.0

/// The labels of one series, in the form they are rendered in: `name="value",…`, sorted by name and escaped.
///
/// Sorting makes two spellings of the same labels one series. Of labels with the same name the first counts.
/// A label named `le`, which a histogram's buckets need for themselves, is renamed `exported_le`.
struct LabelSet: Sendable, Hashable {
    let text: String

    init(_ labels: [(String, String)]) {
        var named: [(name: String, value: String)] = []
        named.reserveCapacity(labels.count)
        for (key, value) in labels {
            let name = Self.labelName(key)
            if !named.contains(where: { $0.name == name }) { named.append((name, value)) }
        }
        named.sort { $0.name < $1.name }
        text = named.map { "\($0.name)=\"\(PrometheusText.labelValue($0.value))\"" }.joined(separator: ",")
    }

    /// The series that takes what a full metric has no room for: the same label names, every value `other`.
    static func overflow(of labels: [(String, String)]) -> LabelSet {
        LabelSet(labels.map { ($0.0, "other") })
    }

    private static func labelName(_ text: String) -> String {
        let name = PrometheusText.identifier(text, allowsColon: false)
        return name == "le" ? "exported_le" : name
    }
}
