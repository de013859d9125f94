// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import SwiftASN1
public import TurnpikeModel
import X509

/// What a certificate says of itself. Whether anybody believes it is the affair of those to whom it is shown.
public struct CertificateFacts: Sendable, Hashable {
    /// The DNS names that it speaks for, in lower case (RFC 9525 §2); a `*` stands for the first label.
    public let names: [String]
    public let expiresAt: Timestamp

    /// - Parameter chain: PEM; the first certificate is its holder's own.
    /// - Throws: where it is no certificate in PEM.
    public init(chain: String) throws(CertificateFault) {
        do {
            guard let first = try PEMDocument.parseMultiple(pemString: chain).first else {
                throw CertificateFault("There is no certificate in PEM in it.")
            }
            let certificate = try Certificate(pemDocument: first)
            names = (try certificate.extensions.subjectAlternativeNames ?? SubjectAlternativeNames()).compactMap {
                name in
                if case .dnsName(let name) = name { name.lowercased() } else { nil }
            }
            expiresAt = Timestamp(milliseconds: Int64(certificate.notValidAfter.timeIntervalSince1970 * 1000))
        } catch let fault as CertificateFault {
            throw fault
        } catch { throw CertificateFault("It is no certificate in PEM.", cause: error) }
    }
}
