// SPDX-License-Identifier: Apache-2.0
#include "platform/tls_identity.h"

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <cstring>
#include <memory>

#include "platform/status_macros.h"

namespace postern::platform {
namespace {

constexpr size_t kCommonNameBytesMax = 64;  // ub-common-name of RFC 5280
constexpr size_t kKeyPemBytesMax = 4096;    // a P-256 key is about 240 bytes
constexpr absl::Duration kBackdate = absl::Hours(24);
constexpr int kValidDays = 25 * 365;
constexpr int kSerialBits = 127;  // positive and at most 16 bytes

template <auto Free>
struct Deleter {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};
using UniqueBio = std::unique_ptr<BIO, Deleter<BIO_free_all>>;
using UniqueBignum = std::unique_ptr<BIGNUM, Deleter<BN_free>>;
using UniqueExtension = std::unique_ptr<X509_EXTENSION, Deleter<X509_EXTENSION_free>>;
using UniquePkey = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY_free>>;
using UniqueX509 = std::unique_ptr<X509, Deleter<X509_free>>;

// OpenSSL's error queue belongs to the thread and gRPC reads it too: leave nothing behind.
absl::Status OpensslError(absl::StatusCode code, const char* message) {
  ERR_clear_error();
  return absl::Status(code, message);
}
absl::Status Internal(const char* message) {
  return OpensslError(absl::StatusCode::kInternal, message);
}
absl::Status Invalid(const char* message) {
  return OpensslError(absl::StatusCode::kInvalidArgument, message);
}

// Never asks on the terminal: a key with a passphrase is refused.
int NoPassphrase(char*, int, int, void*) { return -1; }

bool IsP256(const EVP_PKEY* key) {
  if (!EVP_PKEY_is_a(key, "EC")) return false;
  char group[32] = {};
  size_t size = 0;
  return EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof(group),
                                        &size) == 1 &&
         std::strcmp(group, SN_X9_62_prime256v1) == 0;
}

absl::StatusOr<UniquePkey> ParseKey(const SecretBytes& key_pem) {
  if (key_pem.empty() || key_pem.size() > kKeyPemBytesMax)
    return Invalid("not a private key in PEM");
  UniqueBio bio(BIO_new_mem_buf(key_pem.data(), static_cast<int>(key_pem.size())));
  if (bio == nullptr) return Internal("out of memory");
  UniquePkey key(PEM_read_bio_PrivateKey(bio.get(), nullptr, NoPassphrase, nullptr));
  if (key == nullptr) return Invalid("not a private key in PEM");
  if (!IsP256(key.get())) return Invalid("the private key is not on P-256");
  return key;
}

absl::StatusOr<UniqueX509> ParseDer(std::span<const uint8_t> der) {
  if (der.empty() || der.size() > kCertificateBytesMax) return Invalid("not a certificate");
  const unsigned char* position = der.data();
  UniqueX509 certificate(d2i_X509(nullptr, &position, static_cast<long>(der.size())));
  if (certificate == nullptr) return Invalid("not a certificate");
  if (position != der.data() + der.size()) return Invalid("bytes follow the certificate");
  return certificate;
}

absl::StatusOr<UniqueX509> ParsePem(std::string_view pem) {
  // Exactly one block and nothing around it: a second one could be what another parser believes.
  constexpr std::string_view kBegin = "-----BEGIN CERTIFICATE-----";
  constexpr std::string_view kEnd = "-----END CERTIFICATE-----";
  if (pem.size() > kCertificateBytesMax) return Invalid("the certificate is too large");
  const size_t last = pem.find_last_not_of(" \r\n");
  const std::string_view text = pem.substr(0, last == std::string_view::npos ? 0 : last + 1);
  if (!text.starts_with(kBegin) || !text.ends_with(kEnd) ||
      text.find(kBegin, 1) != std::string_view::npos) {
    return Invalid("not exactly one certificate in PEM");
  }
  UniqueBio bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  if (bio == nullptr) return Internal("out of memory");
  char* name = nullptr;
  char* header = nullptr;
  unsigned char* data = nullptr;
  long size = 0;
  const bool read = PEM_read_bio(bio.get(), &name, &header, &data, &size) == 1;
  std::unique_ptr<char, Deleter<[](char*p) { OPENSSL_free(p); }>> own_name(name),
      own_header(header);
  std::unique_ptr<unsigned char, Deleter<[](unsigned char* p) { OPENSSL_free(p); }>> own_data(data);
  if (!read || size <= 0) return Invalid("not a certificate in PEM");
  return ParseDer({data, static_cast<size_t>(size)});
}

absl::StatusOr<SpkiHash> SpkiSha256(const X509& certificate) {
  EVP_PKEY* key = X509_get0_pubkey(&certificate);
  if (key == nullptr || !IsP256(key)) return Invalid("the certificate's key is not on P-256");
  unsigned char* stated = nullptr;
  const int stated_size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(&certificate), &stated);
  std::unique_ptr<unsigned char, Deleter<[](unsigned char* p) { OPENSSL_free(p); }>> own(stated);
  if (stated_size <= 0) return Invalid("the certificate's key cannot be encoded");
  // One key, one identity: SubjectPublicKeyInfo of P-256 with an uncompressed point is these 26
  // bytes, 0x04 and the two coordinates. A compressed point or spelled-out curve would be the same
  // key under a second hash, so that a revoked app could come back under it.
  constexpr uint8_t kPrefix[] = {0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48,
                                 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
                                 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04};
  constexpr int kSpkiSize = 91;
  if (stated_size != kSpkiSize || std::memcmp(stated, kPrefix, sizeof(kPrefix)) != 0) {
    return Invalid("the certificate's key is not in its canonical encoding");
  }
  SpkiHash hash;
  SHA256(stated, static_cast<size_t>(stated_size), hash.data());
  return hash;
}

absl::Status AddExtension(X509* certificate, int nid, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  UniqueExtension extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value));
  if (extension == nullptr || X509_add_ext(certificate, extension.get(), -1) != 1) {
    return Internal("cannot add a certificate extension");
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> SelfSign(EVP_PKEY* key, const TlsIdentityOptions& options,
                                     absl::Time now) {
  const std::string& common_name = options.common_name;
  if (common_name.empty() || common_name.size() > kCommonNameBytesMax) {
    return Invalid("a certificate's name has 1 to 64 bytes");
  }
  UniqueX509 certificate(X509_new());
  UniqueBignum serial(BN_new());
  if (certificate == nullptr || serial == nullptr) return Internal("out of memory");
  X509* x509 = certificate.get();
  X509_NAME* name = X509_get_subject_name(x509);
  const time_t start = absl::ToTimeT(now - kBackdate);
  const bool built =
      X509_set_version(x509, X509_VERSION_3) == 1 &&
      BN_rand(serial.get(), kSerialBits, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1 &&
      BN_to_ASN1_INTEGER(serial.get(), X509_get_serialNumber(x509)) != nullptr &&
      ASN1_TIME_adj(X509_getm_notBefore(x509), start, 0, 0) != nullptr &&
      ASN1_TIME_adj(X509_getm_notAfter(x509), start, kValidDays, 0) != nullptr &&
      X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8,
                                 reinterpret_cast<const unsigned char*>(common_name.data()),
                                 static_cast<int>(common_name.size()), -1, 0) == 1 &&
      X509_set_issuer_name(x509, name) == 1 && X509_set_pubkey(x509, key) == 1;
  if (!built) return Internal("cannot make a certificate");
  // CA:TRUE because clients hand this very certificate to gRPC as their one root; some TLS
  // libraries refuse an end-entity certificate there.
  RETURN_IF_ERROR(AddExtension(x509, NID_basic_constraints, "critical,CA:TRUE"));
  RETURN_IF_ERROR(AddExtension(x509, NID_key_usage, "critical,digitalSignature,keyCertSign"));
  RETURN_IF_ERROR(AddExtension(x509, NID_subject_key_identifier, "hash"));
  RETURN_IF_ERROR(
      AddExtension(x509, NID_ext_key_usage, options.server ? "serverAuth" : "clientAuth"));
  if (options.server) RETURN_IF_ERROR(AddExtension(x509, NID_subject_alt_name, "DNS:localhost"));
  if (X509_sign(x509, key, EVP_sha256()) == 0) return Internal("cannot sign a certificate");

  UniqueBio bio(BIO_new(BIO_s_mem()));
  if (bio == nullptr || PEM_write_bio_X509(bio.get(), x509) != 1) {
    return Internal("cannot write a certificate");
  }
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &text);
  return std::string(text, static_cast<size_t>(size));
}

}  // namespace

absl::StatusOr<TlsIdentity> MakeTlsIdentity(const TlsIdentityOptions& options, absl::Time now) {
  UniquePkey key(EVP_EC_gen("P-256"));
  if (key == nullptr) return Internal("cannot make a P-256 key");
  TlsIdentity identity;
  ASSIGN_OR_RETURN(identity.certificate_pem, SelfSign(key.get(), options, now));
  // The secure heap is not set up; what matters is that the memory is cleared, which a BIO made
  // with BIO_s_secmem does when it is freed.
  UniqueBio bio(BIO_new(BIO_s_secmem()));
  if (bio == nullptr || PEM_write_bio_PKCS8PrivateKey(bio.get(), key.get(), nullptr, nullptr, 0,
                                                      nullptr, nullptr) != 1) {
    return Internal("cannot write a private key");
  }
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &text);
  identity.key_pem =
      SecretBytes(std::span(reinterpret_cast<const uint8_t*>(text), static_cast<size_t>(size)));
  return identity;
}

absl::StatusOr<std::string> MakeCertificate(const SecretBytes& key_pem,
                                            const TlsIdentityOptions& options, absl::Time now) {
  ASSIGN_OR_RETURN(const UniquePkey key, ParseKey(key_pem));
  return SelfSign(key.get(), options, now);
}

absl::StatusOr<SpkiHash> SpkiSha256OfPem(std::string_view certificate_pem) {
  ASSIGN_OR_RETURN(const UniqueX509 certificate, ParsePem(certificate_pem));
  return SpkiSha256(*certificate);
}

absl::StatusOr<SpkiHash> SpkiSha256OfDer(std::span<const uint8_t> certificate_der) {
  ASSIGN_OR_RETURN(const UniqueX509 certificate, ParseDer(certificate_der));
  return SpkiSha256(*certificate);
}

absl::Status CheckKeyMatchesCertificate(const SecretBytes& key_pem,
                                        std::string_view certificate_pem) {
  ASSIGN_OR_RETURN(const UniquePkey key, ParseKey(key_pem));
  ASSIGN_OR_RETURN(const UniqueX509 certificate, ParsePem(certificate_pem));
  ASSIGN_OR_RETURN([[maybe_unused]] const SpkiHash hash, SpkiSha256(*certificate));
  if (X509_check_private_key(certificate.get(), key.get()) != 1) {
    return Invalid("the private key does not belong to the certificate");
  }
  return absl::OkStatus();
}

}  // namespace postern::platform
