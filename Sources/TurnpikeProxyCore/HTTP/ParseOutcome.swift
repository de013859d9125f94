// SPDX-License-Identifier: Apache-2.0

/// What a parser says after each look at the bytes.
public enum ParseOutcome: Sendable, Hashable {
    /// No fault so far, and no end: come again when there are more bytes.
    case incomplete
    /// The head is complete and takes so many bytes; what follows belongs to its content or to the next message.
    case complete(headLength: Int)
    /// Refuse the message and close the connection.
    case fault(HTTPFault)
}
