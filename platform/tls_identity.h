// SPDX-License-Identifier: Apache-2.0
// Keys and certificates of the local door. Both sides are self-signed ECDSA P-256: an identity is
// the SHA-256 of the public key (SPKI, DER), and nothing else in a certificate is ever believed.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "platform/secret_bytes.h"

namespace postern::platform {

using SpkiHash = std::array<uint8_t, 32>;

// A certificate larger than this is not ours: a P-256 one is about 400 bytes in DER.
inline constexpr size_t kCertificateBytesMax = 8192;

// A private key and its self-signed certificate, both in PEM.
struct TlsIdentity {
  SecretBytes key_pem;  // PKCS #8
  std::string certificate_pem;
};

struct TlsIdentityOptions {
  std::string common_name;  // for people who look; 1 to 64 bytes
  // A server's certificate carries SAN DNS:localhost, so that stock gRPC clients connect with no
  // override. A client's carries none.
  bool server = false;
};

// Makes a new key and a certificate valid from one day before 'now' (clocks differ, and step) for
// 25 years: what ends an identity is the owner's revocation, not a date.
// INVALID_ARGUMENT for a bad common name; INTERNAL when OpenSSL fails.
absl::StatusOr<TlsIdentity> MakeTlsIdentity(const TlsIdentityOptions& options, absl::Time now);

// Makes a new certificate for a key that exists (PKCS #8 or SEC 1 PEM, P-256 only); the identity
// stays.
absl::StatusOr<std::string> MakeCertificate(const SecretBytes& key_pem,
                                            const TlsIdentityOptions& options, absl::Time now);

// Returns the identity that a certificate states. INVALID_ARGUMENT unless it is exactly one
// certificate of at most kCertificateBytesMax with a P-256 key in its one canonical encoding.
// Does not check names, dates or signatures: TLS proves that the peer holds the key.
absl::StatusOr<SpkiHash> SpkiSha256OfPem(std::string_view certificate_pem);
absl::StatusOr<SpkiHash> SpkiSha256OfDer(std::span<const uint8_t> certificate_der);

// OK when the two belong together and the key is P-256; INVALID_ARGUMENT otherwise.
absl::Status CheckKeyMatchesCertificate(const SecretBytes& key_pem,
                                        std::string_view certificate_pem);

}  // namespace postern::platform
