// SPDX-License-Identifier: Apache-2.0

import Foundation
import TurnpikeAPI
import TurnpikeIdentity
import TurnpikeModel

/// The folder of the control plane's own CA, readable by its owner only. Whoever loses it has to let all workers join anew.
struct AuthorityFolder {
    let path: String

    init(dataFolder: String) { path = dataFolder + "/ca" }

    /// The root's certificate, for those who are to trust it.
    var certificateFile: String { path + "/certificate.pem" }
    private var keyFile: String { path + "/key.pem" }

    /// The CA that is there, or a new one where there is none.
    ///
    /// - Throws: where only one of its files is there, or they are damaged: a new CA would lock all workers out.
    func authority(now: Timestamp) throws(TLSFault) -> CertificateAuthority {
        let files = FileManager.default
        do throws(CertificateFault) {
            switch (files.contents(atPath: certificateFile), files.contents(atPath: keyFile)) {
            case (let certificate?, let key?):
                return try CertificateAuthority(
                    certificatePEM: String(decoding: certificate, as: UTF8.self),
                    privateKeyPEM: String(decoding: key, as: UTF8.self))
            case (nil, nil):
                let authority = try CertificateAuthority(now: now)
                try keep(authority)
                return authority
            case (_?, nil): throw CertificateFault("'\(keyFile)' is missing or cannot be read.")
            case (nil, _?): throw CertificateFault("'\(certificateFile)' is missing or cannot be read.")
            }
        } catch { throw TLSFault("The CA in '\(path)' cannot be used. \(error.description)") }
    }

    /// Writes both files, and gives the folder its name only then: after a crash the CA is there as a whole, or not at all.
    private func keep(_ authority: CertificateAuthority) throws(CertificateFault) {
        let draft = path + ".new"
        let texts = [
            ("key.pem", try authority.privateKeyPEM(), 0o600), ("certificate.pem", authority.certificatePEM, 0o644),
        ]
        do {
            let files = FileManager.default
            try? files.removeItem(atPath: draft)
            try files.createDirectory(
                atPath: draft, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
            for (name, text, mode) in texts {
                let file = draft + "/" + name
                guard files.createFile(atPath: file, contents: nil, attributes: [.posixPermissions: mode]) else {
                    throw CocoaError(.fileWriteUnknown)
                }
                let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: file))
                try handle.write(contentsOf: Data(text.utf8))
                try handle.synchronize()
                try handle.close()
            }
            // A folder that holds neither file stands for nothing.
            try? files.removeItem(atPath: path)
            try files.moveItem(atPath: draft, toPath: path)
        } catch { throw CertificateFault("'\(path)' cannot be written.", cause: error) }
    }
}
