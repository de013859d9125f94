// SPDX-License-Identifier: Apache-2.0

extension Gateway {
    /// Makes sure that there is room to write the request's usage down.
    func checkAccount() throws(Refusal) {
        guard canRecord else { throw .overloaded }
    }
}
