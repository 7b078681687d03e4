// SPDX-License-Identifier: Apache-2.0
// Plays rows against an adapter that stands at the door, with the far end's program.
#pragma once

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "clients/conformance/door.h"
#include "clients/conformance/driver.h"
#include "clients/conformance/finding.h"
#include "clients/conformance/rows.h"

namespace postern::conformance {

struct RunnerOptions {
  // Where the files that people send are made.
  std::string folder;
  // Longest wait for what should come.
  absl::Duration wait = absl::Seconds(10);
  // Told each finding as it is made. May be empty.
  std::function<void(const Finding&)> on_finding;
};

class Runner {
 public:
  // 'names': who plays which part, as the far end's program says.
  Runner(Door& door, Driver& driver, Json names, RunnerOptions options);

  // Takes the requests that the far end has made for chats to play in. What the adapter then tells
  // is awaited as long as for a row.
  absl::Status Accept(const Json& chats);

  Finding Play(const Row& row);
  // The rows that 'wanted' says yes to, then what the contract asks of every adapter.
  std::vector<Finding> PlayAll(const std::function<bool(const std::string& name)>& wanted);

 private:
  enum class Quoting { kTextFormat, kJson };
  using Checks = std::vector<std::pair<std::string, std::string (Runner::*)()>>;

  void PlayIn(const Row& row, Finding& finding);
  void PlayOut(const Row& row, Finding& finding);
  // Looks at the far end until it shows 'expected', which is filled in.
  void LookAt(const Row& row, const v1::Command& command, const v1::CommandResult& result,
              Finding& finding);
  // Waits for an event like 'expected' among those after 'mark'; sets the finding. 'also': fields
  // that count although it does not set them.
  void AwaitEvent(v1::Event expected, size_t mark, const std::string& command_id, Finding& finding,
                  const std::set<std::string>& also = {});
  // Fetches the files that an event names, and compares the bytes.
  void FetchFiles(const v1::Event& event, Finding& finding);
  absl::StatusOr<v1::CommandResult> RunCommand(const v1::Command& command, Finding& finding);
  // The text with its words filled in, making what has to be made.
  absl::StatusOr<std::string> Fill(const std::string& text, Quoting quoting);
  absl::StatusOr<std::string> Value(const std::string& word);
  absl::Status MakeFile();
  absl::Status MakeVideo();
  void MakeTimes();
  // What the adapter calls the file that it has taken.
  absl::StatusOr<std::string> Upload(const OfferedFile& file);
  absl::StatusOr<std::string> MakeTheirs(const std::string& rest);
  absl::StatusOr<std::string> MakeOurs();
  absl::StatusOr<v1::Event> FilledEvent(const std::string& text);
  absl::StatusOr<v1::Command> FilledCommand(const std::string& text);
  // The program's answer; an error where it cannot or did not.
  absl::StatusOr<Json> Do(const v1::Event& event);
  v1::CapabilityLevel Claimed(const std::string& capability, const std::string& chat) const;
  void Judge(Finding& finding) const;

  // What the contract asks whatever the network can do: "" when kept, else what is wrong
  // (contract_checks.cc).
  static const Checks& ContractChecks();
  std::string HelloIsWhole();
  std::string RefusesWhatIsNotThere();
  std::string DoesACommandOnce();
  std::string LosesNothingWhenCut();
  std::string KeepsTheOrder();

  Door& door_;
  Driver& driver_;
  const Json names_;
  const RunnerOptions options_;
  // The words of this row.
  std::map<std::string, std::string> words_;
  std::string chat_;  // "direct" or "group": where the row plays
  std::string file_path_;
  OfferedFile file_;
  int made_ = 0;
};

}  // namespace postern::conformance
