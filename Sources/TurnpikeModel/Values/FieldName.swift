// SPDX-License-Identifier: Apache-2.0

/// Names of header fields.
public enum FieldName {
    /// A token (RFC 9110 §5.6.2) of 1 to 128 bytes.
    public static func isValid(_ name: String) -> Bool {
        (1...128).contains(name.utf8.count) && name.utf8.allSatisfy(isToken)
    }

    private static func isToken(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
        }
    }
}
