// SPDX-License-Identifier: Apache-2.0
// What `postern-crm` does: keeps Tryton up to date until it is stopped, and the commands beside it.
#pragma once

#include <absl/status/status.h>

#include <memory>
#include <optional>
#include <string>

#include "clients/crm/config.h"
#include "clients/crm/ledger.h"
#include "clients/crm/parties.h"
#include "clients/crm/people.h"
#include "clients/crm/publisher.h"
#include "clients/crm/recorder.h"
#include "clients/crm/stopper.h"
#include "clients/crm/tryton.h"
#include "clients/sdk/client.h"

namespace postern::crm {

// What the shell and systemd are told. 2, 4 and 5 are not mended by starting again.
enum class ExitCode : int {
  kOk = 0,
  kFailed = 1,      // something that may be better the next time
  kUsage = 2,       // command line or configuration
  kNotAllowed = 4,  // the user said no, or nobody answered, or the access is over
  kTryton = 5,      // Tryton refuses: login, database, certificate, rights
};

// Says whether what Postern refused will be granted later, without anybody's mending: it asks its
// user only so often, the screen is locked, the access rests, a limit's time is not over.
bool PassesByItself(const absl::Status& status);
// Says whether a connection that failed so may come about later: Postern is away, or that passes.
bool CanConnectLater(const absl::Status& status);

// One line on standard error: never text of messages, names, numbers or keys.
void Say(const std::string& line);
// The same for an error, and its exit code.
ExitCode Fail(const absl::Status& status);

class Program {
 public:
  // 'manifest_path': in place of the built-in manifest; may be empty.
  Program(Config config, std::string manifest_path);

  // Follows Postern until SIGTERM or SIGINT.
  ExitCode Run();
  // Says whether the configuration, Tryton and the login are right.
  ExitCode Check();
  // Lists the people and their parties.
  ExitCode ListPeople();
  // Links a person with a party, by hand.
  ExitCode Link(const std::string& person, const std::string& party);
  // Asks the user for what the configuration wants and this app does not hold.
  ExitCode Ask();
  // Removes all of this app: from Tryton, and here, with its key.
  ExitCode Erase();

 private:
  absl::Status Prepare();  // the manifest, the folder, Tryton
  absl::Status Lock();
  absl::Status CheckDestination();
  absl::Status OpenLedger();
  // Asks the user when it must. 'patient': waits out what passes by itself, else fails with it.
  absl::StatusOr<std::unique_ptr<sdk::Client>> Connect(bool patient);
  absl::Status Follow();
  absl::Status Read(sdk::Subscription& events);
  absl::Status PublishNow(sdk::Subscription& events);
  absl::Status EraseAtTryton();
  // Where no stream of events has heard that the access is over. As sdk::EraseIfOver.
  absl::Status EraseIfOver();
  // Gives back what the user allowed, and says that all was erased.
  absl::Status LeavePostern();
  void TellWhatIsNotAllowed(sdk::Client& client);
  using Judge = bool (*)(const absl::Status&);
  // Tries until it works, or trying again cannot help, or it is time to stop (CANCELLED).
  absl::Status Again(const std::function<absl::Status()>& attempt);
  // The same, where 'helps' says whether trying again can help.
  absl::Status Again(const std::function<absl::Status()>& attempt, Judge helps);
  sdk::ClientOptions Options();
  void SayOnce(const std::string& line);
  std::string Path(const std::string& name) const { return state_directory_ + "/" + name; }

  const Config config_;
  const std::string manifest_path_;
  Stopper stopper_;
  v1::Manifest manifest_;
  std::string state_directory_;
  int lock_ = -1;
  std::unique_ptr<Tryton> tryton_;
  std::unique_ptr<Parties> parties_;
  std::unique_ptr<Ledger> ledger_;
  std::unique_ptr<People> people_;
  std::unique_ptr<Recorder> recorder_;
  std::unique_ptr<Publisher> publisher_;

  bool asked_ = false;  // this run put the question whether to allow this app at all
  std::string said_;
  int waiting_ = 0;
  // An erasure could not be carried out in Tryton: it is asked for again by a new subscription.
  bool erasure_missed_ = false;
  bool erased_ = false;  // everything, since the access is over
  sdk::Backoff publish_backoff_;
  absl::Time publish_after_ = absl::InfinitePast();
};

}  // namespace postern::crm
