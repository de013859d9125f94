// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials

/// Bytes as text that URLs and JSON leave alone (RFC 4648 §5), without padding.
enum Base64URL {
    static func text(of bytes: some Sequence<UInt8>) -> String {
        Data(bytes).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }

    /// `nil` where the text is not what ``text(of:)`` makes of any bytes.
    static func bytes(of text: String) -> [UInt8]? {
        let plain = text.replacing("-", with: "+").replacing("_", with: "/")
        let padding = String(repeating: "=", count: (4 - plain.utf8.count % 4) % 4)
        guard let data = Data(base64Encoded: plain + padding), Base64URL.text(of: data) == text else { return nil }
        return Array(data)
    }
}
