// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import TurnpikeModel

/// The files that a person gives to `apply`, read into documents.
struct BundleFiles {
    /// One document of a file.
    struct Document {
        /// The file's path as given, and the document's place in it where it is one of several.
        var origin: String
        var json: JSON
    }

    /// Reads a file, all `.json`, `.yaml` and `.yml` files of a folder in the order of their names, or standard input
    /// for `-`.
    static func documents(at path: String) throws(CommandFailure) -> [Document] {
        if path == "-" { return try documents(in: standardInput(), origin: "standard input", isJSON: false) }
        var isFolder = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
            throw .failed("There is no file '\(path)'.")
        }
        var documents: [Document] = []
        for file in isFolder ? try files(in: path) : [path] {
            documents += try self.documents(in: text(of: file), origin: file, isJSON: file.hasSuffix(".json"))
        }
        return documents
    }

    /// - Parameter isJSON: JSON is read as JSON, whose faults are named more exactly; everything else as YAML, which
    ///   JSON is a part of.
    static func documents(in text: String, origin: String, isJSON: Bool) throws(CommandFailure) -> [Document] {
        do {
            return [Document(origin: origin, json: try JSON.parse(text))]
        } catch  where isJSON {
            throw .failed("\(origin) is not valid JSON: \(error).")
        } catch {
            return try yamlDocuments(in: text, origin: origin)
        }
    }

    private static func yamlDocuments(in text: String, origin: String) throws(CommandFailure) -> [Document] {
        do {
            let documents = try YAMLReader.documents(in: text)
            return documents.enumerated().map { index, json in
                Document(origin: documents.count == 1 ? origin : "\(origin), document \(index + 1)", json: json)
            }
        } catch {
            let line = error.line.map { ", line \($0)" } ?? ""
            throw .failed("\(origin)\(line) is not valid YAML: \(error.reason)")
        }
    }

    private static func files(in folder: String) throws(CommandFailure) -> [String] {
        do {
            return try FileManager.default.contentsOfDirectory(atPath: folder)
                .filter { name in [".json", ".yaml", ".yml"].contains { name.hasSuffix($0) } && !name.hasPrefix(".") }
                .sorted()
                .map { folder.hasSuffix("/") ? folder + $0 : "\(folder)/\($0)" }
        } catch {
            throw .failed("The folder '\(folder)' cannot be read: \(error)")
        }
    }

    private static func text(of file: String) throws(CommandFailure) -> String {
        guard let bytes = FileManager.default.contents(atPath: file) else {
            throw .failed("The file '\(file)' cannot be read.")
        }
        guard let text = String(bytes: bytes, encoding: .utf8) else { throw .failed("'\(file)' is not UTF-8 text.") }
        return text
    }

    private static func standardInput() -> String {
        var text = ""
        while let line = readLine(strippingNewline: false) { text += line }
        return text
    }
}
