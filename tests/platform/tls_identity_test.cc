// SPDX-License-Identifier: Apache-2.0
#include "platform/tls_identity.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <functional>
#include <string>

namespace postern::platform {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1'700'000'000);

std::string PemOf(X509* certificate) {
  BIO* bio = BIO_new(BIO_s_mem());
  PEM_write_bio_X509(bio, certificate);
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio, &text);
  std::string pem(text, static_cast<size_t>(size));
  BIO_free(bio);
  return pem;
}

// A bare certificate over a key that the strict profile should refuse.
std::string CertificateWith(EVP_PKEY* key, const EVP_MD* digest) {
  X509* certificate = X509_new();
  X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
  X509_set_pubkey(certificate, key);
  X509_sign(certificate, key, digest);
  std::string pem = PemOf(certificate);
  X509_free(certificate);
  EVP_PKEY_free(key);
  return pem;
}

TlsIdentity Make(const std::string& name, bool server = false) {
  auto identity = MakeTlsIdentity({.common_name = name, .server = server}, kNow);
  EXPECT_TRUE(identity.ok()) << identity.status();
  return *std::move(identity);
}

TEST(TlsIdentity, RefusesAKeyOfAnotherKind) {
  EXPECT_EQ(SpkiSha256OfPem(CertificateWith(EVP_RSA_gen(2048), EVP_sha256())).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(SpkiSha256OfPem(CertificateWith(EVP_EC_gen("P-384"), EVP_sha256())).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(
      SpkiSha256OfPem(CertificateWith(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"), nullptr))
          .status()
          .code(),
      absl::StatusCode::kInvalidArgument);
}

TEST(TlsIdentity, RefusesTheSameKeyInASecondEncoding) {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  EVP_PKEY_set_utf8_string_param(key, "point-format", "compressed");
  EXPECT_EQ(SpkiSha256OfPem(CertificateWith(key, EVP_sha256())).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(TlsIdentity, RefusesTwoCertificatesAndStrayBytes) {
  const TlsIdentity one = Make("one");
  const TlsIdentity two = Make("two");
  for (const std::string& pem :
       {one.certificate_pem + two.certificate_pem, "x" + one.certificate_pem,
        one.certificate_pem + "x", std::string(), std::string("-----BEGIN CERTIFICATE-----"),
        std::string(kCertificateBytesMax + 1, 'A'),
        std::string("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")}) {
    EXPECT_EQ(SpkiSha256OfPem(pem).status().code(), absl::StatusCode::kInvalidArgument);
  }
}

TEST(TlsIdentity, RefusesBytesAfterADerCertificate) {
  const TlsIdentity identity = Make("one");
  BIO* bio = BIO_new_mem_buf(identity.certificate_pem.data(), -1);
  X509* certificate = PEM_read_bio_X509(bio, nullptr, nullptr, nullptr);
  unsigned char* der = nullptr;
  const int size = i2d_X509(certificate, &der);
  std::vector<uint8_t> bytes(der, der + size);
  EXPECT_EQ(*SpkiSha256OfDer(bytes), *SpkiSha256OfPem(identity.certificate_pem));
  bytes.push_back(0);
  EXPECT_EQ(SpkiSha256OfDer(bytes).status().code(), absl::StatusCode::kInvalidArgument);
  OPENSSL_free(der);
  X509_free(certificate);
  BIO_free(bio);
}

TEST(TlsIdentity, RefusesANameThatIsEmptyOrTooLong) {
  EXPECT_EQ(MakeTlsIdentity({.common_name = ""}, kNow).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(MakeTlsIdentity({.common_name = std::string(65, 'a')}, kNow).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(TlsIdentity, RefusesAKeyThatBelongsToAnother) {
  const TlsIdentity one = Make("one");
  const TlsIdentity two = Make("two");
  EXPECT_TRUE(CheckKeyMatchesCertificate(one.key_pem, one.certificate_pem).ok());
  EXPECT_EQ(CheckKeyMatchesCertificate(one.key_pem, two.certificate_pem).code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(TlsIdentity, IsTheKeyAndNotTheCertificate) {
  const TlsIdentity identity = Make("one");
  auto renewed = MakeCertificate(identity.key_pem, {.common_name = "another name"}, kNow);
  ASSERT_TRUE(renewed.ok()) << renewed.status();
  EXPECT_NE(*renewed, identity.certificate_pem);
  EXPECT_EQ(*SpkiSha256OfPem(*renewed), *SpkiSha256OfPem(identity.certificate_pem));
  EXPECT_NE(*SpkiSha256OfPem(Make("one").certificate_pem),
            *SpkiSha256OfPem(identity.certificate_pem));
}

TEST(TlsIdentity, NamesLocalhostForAServerOnly) {
  for (const bool server : {true, false}) {
    const TlsIdentity identity = Make("posternd", server);
    BIO* bio = BIO_new_mem_buf(identity.certificate_pem.data(), -1);
    X509* certificate = PEM_read_bio_X509(bio, nullptr, nullptr, nullptr);
    EXPECT_EQ(X509_check_host(certificate, "localhost", 9, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT,
                              nullptr) == 1,
              server);
    time_t before = absl::ToTimeT(kNow - absl::Hours(23));
    EXPECT_LT(X509_cmp_time(X509_get0_notBefore(certificate), &before), 0);
    X509_free(certificate);
    BIO_free(bio);
  }
}

}  // namespace
}  // namespace postern::platform
