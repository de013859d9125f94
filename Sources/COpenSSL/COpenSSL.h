// SPDX-License-Identifier: Apache-2.0
//
// OpenSSL as the system has it, and those of its macros that Swift does not see.

#ifndef C_OPENSSL_H
#define C_OPENSSL_H

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

// What a peer could make the other do over and over, and what lets secrets be told from lengths (RFC 8740, RFC 9325 §3.3).
static const uint64_t COpenSSLOptions = SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION;

static inline int COpenSSLSetMinimumVersion(SSL_CTX *context, int version) {
    return SSL_CTX_set_min_proto_version(context, version);
}

static inline void COpenSSLSetMode(SSL_CTX *context, long mode) { SSL_CTX_set_mode(context, mode); }

static inline void COpenSSLClearMode(SSL_CTX *context, long mode) { SSL_CTX_clear_mode(context, mode); }

static inline void COpenSSLSetSessionCache(SSL_CTX *context, long mode) {
    SSL_CTX_set_session_cache_mode(context, mode);
}

static inline int COpenSSLAddToChain(SSL_CTX *context, X509 *certificate) {
    return (int)SSL_CTX_add1_chain_cert(context, certificate);
}

/// The name that a server is asked for (RFC 6066 §3).
static inline int COpenSSLAskForName(SSL *ssl, const char *name) { return (int)SSL_set_tlsext_host_name(ssl, name); }

#endif
