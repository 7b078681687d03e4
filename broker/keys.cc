// SPDX-License-Identifier: Apache-2.0
#include "broker/keys.h"

#include <utility>

#include "platform/atomic_file.h"
#include "platform/status_macros.h"

namespace postern::broker {
namespace {

using platform::SecretBytes;
using platform::SecretStore;
using platform::TlsIdentity;

constexpr std::string_view kDatabaseKeyName = "database-key";
constexpr std::string_view kBrokerKeyName = "broker-key";
constexpr std::string_view kOwnerKeyName = "owner-key";
constexpr size_t kDatabaseKeyBytes = 32;

bool IsAbsent(const absl::Status& status) { return status.code() == absl::StatusCode::kNotFound; }

// Stores, and reads back what will be needed after the next start.
absl::Status StoreChecked(SecretStore& secrets, std::string_view name, const SecretBytes& secret) {
  RETURN_IF_ERROR(secrets.Store(name, secret.span()));
  ASSIGN_OR_RETURN(const SecretBytes stored, secrets.Lookup(name));
  if (stored.size() != secret.size() ||
      !std::equal(stored.span().begin(), stored.span().end(), secret.span().begin())) {
    return absl::UnavailableError("the secret store did not keep what it was given");
  }
  return absl::OkStatus();
}

absl::StatusOr<TlsIdentity> MakeStored(SecretStore& secrets, std::string_view name,
                                       const platform::TlsIdentityOptions& options,
                                       absl::Time now) {
  absl::StatusOr<SecretBytes> key = secrets.Lookup(name);
  if (key.ok()) {
    TlsIdentity identity;
    ASSIGN_OR_RETURN(identity.certificate_pem, platform::MakeCertificate(*key, options, now));
    identity.key_pem = *std::move(key);
    return identity;
  }
  if (!IsAbsent(key.status())) return key.status();
  ASSIGN_OR_RETURN(TlsIdentity identity, platform::MakeTlsIdentity(options, now));
  RETURN_IF_ERROR(StoreChecked(secrets, name, identity.key_pem));
  return identity;
}

}  // namespace

absl::StatusOr<SecretBytes> DatabaseKey(SecretStore& secrets, bool database_exists) {
  absl::StatusOr<SecretBytes> key = secrets.Lookup(kDatabaseKeyName);
  if (key.ok()) {
    if (key->size() != kDatabaseKeyBytes) {
      return absl::FailedPreconditionError(
          "the database key in the secret store is damaged; restore the keyring from a backup");
    }
    return key;
  }
  if (!IsAbsent(key.status())) return key.status();
  if (database_exists) {
    return absl::FailedPreconditionError(
        "the database is there and its key is gone from the secret store; restore the keyring, or "
        "move events.db and high-water out of the data directory to begin anew without the old "
        "messages");
  }
  SecretBytes made = platform::RandomSecret(kDatabaseKeyBytes);
  RETURN_IF_ERROR(StoreChecked(secrets, kDatabaseKeyName, made));
  return made;
}

absl::StatusOr<TlsIdentity> BrokerIdentity(SecretStore& secrets,
                                           const std::string& certificate_path, absl::Time now) {
  ASSIGN_OR_RETURN(TlsIdentity identity,
                   MakeStored(secrets, kBrokerKeyName, {"postern", true}, now));
  // The same file as long as it fits: what clients copied stays equal to it.
  const absl::StatusOr<std::string> pinned =
      platform::ReadTrustedFile(certificate_path, platform::kCertificateBytesMax);
  if (pinned.ok() && platform::CheckKeyMatchesCertificate(identity.key_pem, *pinned).ok()) {
    identity.certificate_pem = *pinned;
    return identity;
  }
  RETURN_IF_ERROR(platform::WriteFileAtomically(certificate_path, identity.certificate_pem));
  return identity;
}

absl::StatusOr<permissions::Principal> OwnerPrincipal(SecretStore& secrets, absl::Time now) {
  ASSIGN_OR_RETURN(const TlsIdentity identity,
                   MakeStored(secrets, kOwnerKeyName, {"postern owner", false}, now));
  ASSIGN_OR_RETURN(const platform::SpkiHash hash,
                   platform::SpkiSha256OfPem(identity.certificate_pem));
  return permissions::Principal{hash};
}

}  // namespace postern::broker
