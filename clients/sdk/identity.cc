// SPDX-License-Identifier: Apache-2.0
#include "clients/sdk/identity.h"

#include <absl/strings/escaping.h>
#include <absl/strings/str_cat.h>

#include "clients/sdk/files.h"
#include "platform/status_macros.h"
#include "platform/tls_identity.h"

namespace postern::sdk {
namespace {

std::string AsText(const platform::SecretBytes& bytes) {
  return std::string(bytes.span().begin(), bytes.span().end());
}

std::span<const uint8_t> AsBytes(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

// A certificate's common name holds 64 bytes; nobody reads it but people.
platform::TlsIdentityOptions CertificateOptions(const std::string& app_id) {
  return {.common_name = app_id.substr(0, 64)};
}

absl::StatusOr<std::string> LoadBrokerCertificate(const std::string& state_directory,
                                                  const ClientOptions& options) {
  std::string path = options.broker_certificate_path;
  const bool named = !path.empty();
  std::string expected = path;  // where it most likely should have been
  if (path.empty()) {
    if (const auto data = DataHome(); data.ok()) {
      expected = path = absl::StrCat(*data, "/postern/broker.pem");
      auto shared = ReadTrustedFile(path, FileTrust::kOnlyWeWrite);
      if (!absl::IsNotFound(shared.status())) {
        RETURN_IF_ERROR(shared.status());
        return AsText(*shared);
      }
    }
    // A sandboxed app does not see the user's data folder: 'postern enroll' leaves a copy beside
    // its key.
    if (!state_directory.empty()) path = absl::StrCat(state_directory, "/broker.pem");
  }
  auto own = ReadTrustedFile(path, FileTrust::kOnlyWeWrite);
  if (absl::IsNotFound(own.status())) {
    const std::string said = absl::StrCat(
        "posternd has not run yet for this user (there is no ", expected.empty() ? path : expected,
        "); start it, e.g. systemctl --user start posternd. A program that runs apart from the "
        "user's files needs a copy of that file");
    // posternd makes the one in its own place; one that somebody named may never come.
    return named ? absl::FailedPreconditionError(said) : absl::UnavailableError(said);
  }
  RETURN_IF_ERROR(own.status());
  return AsText(*own);
}

absl::Status Complete(Identity& identity, const std::string& state_directory,
                      const ClientOptions& options) {
  ASSIGN_OR_RETURN(const auto hash, platform::SpkiSha256OfPem(identity.certificate_pem));
  identity.principal = absl::BytesToHexString(
      absl::string_view(reinterpret_cast<const char*>(hash.data()), hash.size()));
  ASSIGN_OR_RETURN(identity.broker_certificate_pem,
                   LoadBrokerCertificate(state_directory, options));
  identity.socket_path = options.socket_path;
  if (identity.socket_path.empty()) {
    ASSIGN_OR_RETURN(identity.socket_path, DefaultSocketPath());
  }
  return absl::OkStatus();
}

// Writes 'bytes' unless another process was first, and returns what is there then.
absl::StatusOr<platform::SecretBytes> WriteOnce(const std::string& path,
                                                std::span<const uint8_t> bytes, FileTrust trust) {
  if (absl::Status status = WriteNewPrivateFile(path, bytes);
      !status.ok() && !absl::IsAlreadyExists(status)) {
    return status;
  }
  return ReadTrustedFile(path, trust);
}

}  // namespace

absl::StatusOr<std::string> MakeStateDirectory(const std::string& app_id,
                                               const ClientOptions& options) {
  std::string directory = options.state_directory;
  if (directory.empty()) {
    ASSIGN_OR_RETURN(const std::string data, DataHome());
    RETURN_IF_ERROR(MakePrivateDirectory(data + "/postern-clients"));
    directory = absl::StrCat(data, "/postern-clients/", app_id);
  }
  RETURN_IF_ERROR(MakePrivateDirectory(directory));
  return directory;
}

absl::StatusOr<Identity> LoadIdentity(const std::string& app_id, const ClientOptions& options) {
  ASSIGN_OR_RETURN(const std::string directory, MakeStateDirectory(app_id, options));
  const std::string key_path = directory + "/key.pem";
  const std::string certificate_path = directory + "/certificate.pem";

  Identity identity;
  auto key = ReadTrustedFile(key_path, FileTrust::kPrivate);
  if (absl::IsNotFound(key.status())) {
    ASSIGN_OR_RETURN(const auto made,
                     platform::MakeTlsIdentity(CertificateOptions(app_id), absl::Now()));
    key = WriteOnce(key_path, made.key_pem.span(), FileTrust::kPrivate);
  }
  RETURN_IF_ERROR(key.status());
  identity.key_pem = *std::move(key);

  auto certificate = ReadTrustedFile(certificate_path, FileTrust::kOnlyWeWrite);
  if (absl::IsNotFound(certificate.status())) {
    ASSIGN_OR_RETURN(
        const std::string made,
        platform::MakeCertificate(identity.key_pem, CertificateOptions(app_id), absl::Now()));
    certificate = WriteOnce(certificate_path, AsBytes(made), FileTrust::kOnlyWeWrite);
  }
  RETURN_IF_ERROR(certificate.status());
  identity.certificate_pem = AsText(*certificate);
  if (!platform::CheckKeyMatchesCertificate(identity.key_pem, identity.certificate_pem).ok()) {
    return absl::FailedPreconditionError(absl::StrCat(
        directory,
        ": key.pem and certificate.pem do not belong together; remove certificate.pem to "
        "have it made anew"));
  }
  RETURN_IF_ERROR(Complete(identity, directory, options));
  return identity;
}

absl::StatusOr<Identity> IdentityFromKey(const platform::SecretBytes& key_pem,
                                         const std::string& certificate_pem,
                                         const ClientOptions& options) {
  RETURN_IF_ERROR(platform::CheckKeyMatchesCertificate(key_pem, certificate_pem));
  Identity identity;
  identity.key_pem = key_pem.Clone();  // the second owner is the channel that is made from it
  identity.certificate_pem = certificate_pem;
  RETURN_IF_ERROR(Complete(identity, options.state_directory, options));
  return identity;
}

}  // namespace postern::sdk
