// SPDX-License-Identifier: Apache-2.0
// How the program starts, and its commands beside `run`.
#include <absl/strings/str_cat.h>
#include <absl/time/clock.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <vector>

#include "clients/crm/program.h"
#include "clients/sdk/errors.h"
#include "clients/sdk/file_key.h"
#include "clients/sdk/files.h"
#include "clients/sdk/grants.h"
#include "clients/sdk/identity.h"
#include "clients/sdk/stubs.h"

namespace postern::crm {
namespace {

constexpr char kThisDevice[] = "this device";
constexpr absl::Duration kLeaveTimeout = absl::Seconds(3);
constexpr absl::Duration kCallTimeout = absl::Seconds(10);
// So much of a person's id is shown, and enough to name them.
constexpr size_t kShortId = 8;

std::string ReadWords(const std::string& path) {
  const auto read = sdk::ReadTrustedFile(path, sdk::FileTrust::kOnlyWeWrite);
  if (!read.ok()) return "";
  return std::string(read->span().begin(), read->span().end());
}

sdk::ClientOptions OptionsFor(const Config& config) {
  sdk::ClientOptions options;
  options.socket_path = config.socket;
  options.state_directory = config.state_directory;
  options.on_enrollment = [](const v1::EnrollResponse& response) {
    if (response.state() == v1::EnrollResponse::STATE_PENDING) {
      Say("asking you to allow it; please answer Postern's question");
    }
  };
  return options;
}

}  // namespace

sdk::ClientOptions Program::Options() {
  sdk::ClientOptions options = OptionsFor(config_);
  options.on_enrollment = [this, tell = options.on_enrollment](const v1::EnrollResponse& response) {
    if (response.state() == v1::EnrollResponse::STATE_PENDING) asked_ = true;
    tell(response);
  };
  return options;
}

absl::Status Program::Prepare() {
  auto manifest = ManifestFor(config_, manifest_path_);
  if (!manifest.ok()) return manifest.status();
  manifest_ = *std::move(manifest);
  auto directory = sdk::MakeStateDirectory(manifest_.app_id(), OptionsFor(config_));
  if (!directory.ok()) return directory.status();
  state_directory_ = *std::move(directory);
  tryton_ = std::make_unique<Tryton>(TrytonOptions{config_.url, config_.database, config_.user,
                                                   config_.password, config_.ca_file,
                                                   [this] { return stopper_.stopped(); }});
  parties_ = std::make_unique<Parties>(*tryton_, config_.country_code);
  return absl::OkStatus();
}

absl::Status Program::Lock() {
  lock_ = ::open(Path("lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock_ < 0 || ::flock(lock_, LOCK_EX | LOCK_NB) != 0) {
    return absl::InvalidArgumentError(
        "postern-crm already runs; stop it first (systemctl --user stop postern-crm)");
  }
  return absl::OkStatus();
}

// What the user allowed names where the data goes. Another server is another question.
absl::Status Program::CheckDestination() {
  const std::string& service = manifest_.data_destination().service();
  const std::string now = service.empty() ? kThisDevice : service;
  const std::string allowed = ReadWords(Path("destination"));
  if (allowed == now) return absl::OkStatus();
  if (!allowed.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "you allowed that the data goes to ", allowed, ", and the configuration names ", now,
        "; with the old [tryton] url run: postern-crm erase, then change it and start this again"));
  }
  const auto* bytes = reinterpret_cast<const uint8_t*>(now.data());
  return sdk::WriteNewPrivateFile(Path("destination"), {bytes, now.size()});
}

absl::Status Program::OpenLedger() {
  const auto key = sdk::LoadFileKey(manifest_.app_id(), Path("records.db"));
  if (absl::IsUnavailable(key.status())) {
    return absl::UnavailableError(
        "the key of the records is in the desktop's keyring, which does not answer, or is locked; "
        "start or unlock one with a Secret Service (gnome-keyring, KWallet, KeePassXC). There is "
        "no other place for it, also where posternd uses a passphrase");
  }
  if (!key.ok()) return key.status();
  auto ledger = Ledger::Open(Path("records.db"), *key);
  if (!ledger.ok()) return ledger.status();
  ledger_ = *std::move(ledger);
  publisher_ = std::make_unique<Publisher>(config_, *ledger_, *parties_);
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<sdk::Client>> Program::Connect(bool patient) {
  // Nothing is under way that could be lost, and the user may think about the question for minutes.
  stopper_.OnStop([] { std::_Exit(static_cast<int>(ExitCode::kOk)); });
  std::unique_ptr<sdk::Client> client;
  const auto attempt = [&] {
    auto connected = sdk::Client::Connect(manifest_, Options());
    if (connected.ok()) client = *std::move(connected);
    return connected.status();
  };
  const absl::Status status = patient ? Again(attempt, CanConnectLater) : attempt();
  stopper_.OnStop({});
  if (sdk::AccessIsOver(status)) {
    const absl::Status ended = EraseIfOver();
    return ended.ok() ? status : ended;
  }
  if (status.ok()) return client;
  const bool of_this_device =
      sdk::ErrorReasonOf(status) == v1::ERROR_REASON_UNSPECIFIED &&
      (absl::IsFailedPrecondition(status) || absl::IsUnauthenticated(status));
  // No word of Tryton's: posternd has another key, or a file is open to others.
  return of_this_device ? absl::UnknownError(status.message()) : status;
}

absl::Status Program::EraseIfOver() {
  return sdk::EraseIfOver(manifest_.app_id(), Options(), [this] { return EraseAtTryton(); });
}

ExitCode Program::Check() {
  if (const absl::Status status = Prepare(); !status.ok()) return Fail(status);
  if (const absl::Status status = parties_->Exists(0).status(); !status.ok()) return Fail(status);
  std::printf("The configuration is right: Tryton answers, and its user may read parties.\n");
  return ExitCode::kOk;
}

ExitCode Program::ListPeople() {
  absl::Status status = Prepare();
  if (status.ok()) status = OpenLedger();
  if (!status.ok()) return Fail(status);
  const auto people = ledger_->People();
  if (!people.ok()) return Fail(people.status());
  std::printf("%-8s  %-10s  %-8s  %s\n", "WHO", "NETWORK", "PARTY", "NAME");
  for (const Person& person : *people) {
    if (person.is_self) continue;
    std::printf("%-8s  %-10s  %-8s  %s\n", person.id.substr(0, kShortId).c_str(),
                person.network.c_str(),
                person.party.has_value() ? std::to_string(*person.party).c_str() : "-",
                person.name.c_str());
  }
  return ExitCode::kOk;
}

ExitCode Program::Link(const std::string& who, const std::string& party) {
  absl::Status status = Prepare();
  if (status.ok()) status = OpenLedger();
  if (!status.ok()) return Fail(status);
  const auto people = ledger_->People();
  if (!people.ok()) return Fail(people.status());
  std::vector<Person> meant;
  for (const Person& person : *people) {
    if (person.is_self) continue;
    if (person.name == who || (who.size() >= kShortId && person.id.substr(0, who.size()) == who))
      meant.push_back(person);
  }
  if (meant.size() != 1) {
    return Fail(absl::NotFoundError(absl::StrCat(
        meant.size(), " people are called that; name one by WHO as in: postern-crm people")));
  }
  const auto parties = parties_->Named(party);
  if (!parties.ok()) return Fail(parties.status());
  if (parties->size() != 1) {
    return Fail(absl::NotFoundError(absl::StrCat(
        parties->size(), " parties in Tryton have that name, code or id; name one by its code")));
  }
  status = ledger_->SetParty(meant[0].id, parties->front().id);
  if (!status.ok()) return Fail(status);
  std::printf(
      "Linked %s with the party %s. The notes follow within a minute, or when postern-crm "
      "starts.\n",
      meant[0].name.c_str(), parties->front().name.c_str());
  return ExitCode::kOk;
}

ExitCode Program::Ask() {
  absl::Status status = Prepare();
  if (status.ok()) status = CheckDestination();
  // When the access was taken back, its records say what to erase.
  if (status.ok()) status = OpenLedger();
  if (!status.ok()) return Fail(status);
  const auto client = Connect(/*patient=*/false);
  if (!client.ok()) return Fail(client.status());
  const auto self = (*client)->GetSelf();
  if (!self.ok()) return Fail(self.status());
  // All of it may have been taken back grant by grant, of which Connect says nothing.
  if (sdk::HeldScopes(*self).empty()) {
    const absl::Status ended = EraseIfOver();
    // Nobody is asked anew before the old is erased; and this one was never allowed anything.
    const bool never = sdk::ErrorReasonOf(ended) == v1::ERROR_REASON_SCOPE_REQUIRED;
    if (stopper_.stopped()) return ExitCode::kFailed;
    if (!ended.ok() && !never) return Fail(ended);
  }
  const std::vector<v1::Scope> missing = sdk::MissingScopes(manifest_, *self);
  if (missing.empty()) {
    std::printf("Nothing is missing: you have allowed all that the configuration wants.\n");
    return ExitCode::kOk;
  }
  if (asked_) {
    std::printf("Allowed, but for what you left out of the question just now.\n");
    return ExitCode::kOk;
  }
  v1::RequestGrantRequest request;
  for (const v1::Scope scope : missing) request.add_scopes(scope);
  request.set_purpose(manifest_.purpose());
  status = sdk::AskForGrant(
      **client, std::move(request),
      {.on_asking = [] { Say("asking you; please answer Postern's question"); },
       .wait = [this](absl::Duration duration) { return stopper_.Wait(duration); }});
  if (stopper_.stopped()) return ExitCode::kFailed;
  if (sdk::ErrorReasonOf(status) == v1::ERROR_REASON_CONSENT_REFUSED) {
    Say("you did not allow it; nothing has changed");
    return ExitCode::kNotAllowed;
  }
  if (!status.ok()) return Fail(status);
  std::printf("Allowed. It counts from the next message on.\n");
  return ExitCode::kOk;
}

absl::Status Program::LeavePostern() {
  const auto key = sdk::ReadTrustedFile(Path("key.pem"), sdk::FileTrust::kPrivate);
  if (absl::IsNotFound(key.status())) return absl::OkStatus();
  if (!key.ok()) return key.status();
  sdk::ClientOptions options = OptionsFor(config_);
  options.reach_timeout = kLeaveTimeout;
  const auto client =
      sdk::Client::ConnectWithKey(*key, ReadWords(Path("certificate.pem")), options);
  if (!client.ok()) return client.status();
  const auto self = (*client)->GetSelf();
  if (sdk::AccessIsOver(self.status())) return absl::OkStatus();
  if (!self.ok()) return self.status();
  const auto call = [](const std::function<grpc::Status(grpc::ClientContext*)>& made) {
    grpc::ClientContext context;
    context.set_deadline(absl::ToChronoTime(absl::Now() + kCallTimeout));
    return sdk::ToStatus(made(&context));
  };
  absl::Status status;
  for (const v1::Grant& grant : self->grants()) {
    if (!sdk::IsStanding(grant)) continue;
    v1::ReleaseGrantRequest release;
    release.set_request_id(sdk::MakeRequestId());
    release.set_grant_id(grant.id());
    v1::ReleaseGrantResponse released;
    status.Update(call([&](grpc::ClientContext* context) {
      return (*client)->stubs().grant->ReleaseGrant(context, release, &released);
    }));
  }
  // Last: giving the access back is what asks for everything to be erased.
  v1::ConfirmErasedRequest erased;
  erased.set_everything(true);
  v1::ConfirmErasedResponse confirmed;
  status.Update(call([&](grpc::ClientContext* context) {
    return (*client)->stubs().event->ConfirmErased(context, erased, &confirmed);
  }));
  return status;
}

ExitCode Program::Erase() {
  absl::Status status = Prepare();
  if (status.ok()) status = Lock();
  if (status.ok()) status = OpenLedger();
  if (status.ok()) {
    const auto kept = publisher_->EraseEverything();
    status = kept.status();
    if (kept.ok() && *kept > 0) {
      std::printf("%d parties that this app had made stay: others work with them now.\n", *kept);
    }
  }
  if (!status.ok()) return Fail(status);
  if (const absl::Status left = LeavePostern(); !left.ok()) {
    Say(absl::StrCat("Postern still lists it (", std::string(left.message()),
                     "); take its access back with: postern grants revoke --app ",
                     manifest_.app_id()));
  }
  publisher_.reset();
  ledger_.reset();
  for (const char* name : {"records.db", "records.db-wal", "records.db-shm", "destination",
                           "key.pem", "certificate.pem"}) {
    ::unlink(Path(name).c_str());
  }
  std::printf("Removed what this app kept, in Tryton and here. The next start asks you anew.\n");
  return ExitCode::kOk;
}

}  // namespace postern::crm
