// SPDX-License-Identifier: Apache-2.0

extension FieldReader {
    /// As ``optionalPEM(_:limit:)``, of a field that has to be there.
    public mutating func pem(_ name: String, limit: Int) -> String {
        guard has(name) else {
            ignore(name)
            return missing(name, nil, "")
        }
        return optionalPEM(name, limit: limit) ?? ""
    }

    /// Printable ASCII in lines, as certificates and requests are written (PEM, RFC 7468); `nil` where there is none. What is
    /// within the lines is not looked at.
    ///
    /// - Parameter limit: characters at most.
    public mutating func optionalPEM(_ name: String, limit: Int) -> String? {
        guard has(name), let value = take(name) else {
            ignore(name)
            return nil
        }
        guard let text = value.string else { return wrongType(name, value, "a string", nil) }
        guard !text.isEmpty, text.utf8.count <= limit else {
            report(name, .length, "'\(name)' must have 1 to \(limit) characters.")
            return nil
        }
        guard text.utf8.allSatisfy({ (0x20...0x7E).contains($0) || $0 == 0x0A || $0 == 0x0D }) else {
            report(name, .format, "'\(name)' must be PEM: printable ASCII in lines.")
            return nil
        }
        return text
    }
}
