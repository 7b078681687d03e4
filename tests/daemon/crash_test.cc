// SPDX-License-Identifier: Apache-2.0
// kill -9 at the worst moments, on real processes: what the broker acknowledged is there, nothing
// comes twice, and every app goes on without a gap. The judges are the adapter's own journal, the
// apps' own journals, and the script that the adapter plays.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "clients/gatekeepers/demo/script.h"
#include "tests/daemon/app_journal.h"
#include "tests/daemon/file_watch.h"
#include "tests/daemon/process.h"
#include "tests/daemon/session.h"
#include "tests/sanitized.h"

namespace postern::daemon_test {
namespace {

constexpr int kBrokerKills = 50;
// At a kill point; the others are at whatever moment they hit.
constexpr int kAimedKills = 45;
constexpr int kBetweenAppendAndAckMin = 40;
constexpr int kAdapterKills = 20;
constexpr int kAppKills = 20;
constexpr int kApps = 3;

// More than is played before the test ends.
constexpr int kScriptEvents = 120'000;
constexpr int kScriptChats = 20;
constexpr uint64_t kScriptSeed = 7;
// Many small commits, and a backlog after each outage. Under a sanitizer the kills take longer than
// the script would last.
constexpr const char* kRate = kSanitized ? "250" : "1000";

std::vector<std::string> Lines(const std::string& bytes) {
  std::vector<std::string> lines;
  std::istringstream stream(bytes);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

// The message that an event of the script makes or is about, as the adapter's journal names it.
std::string MessageIdOf(const v1::Event& event) {
  if (event.has_message_created()) return event.message_created().message().id();
  if (event.has_message_edited()) return event.message_edited().message_id();
  if (event.has_reaction_set()) return event.reaction_set().message_id();
  return "-";
}

// What the adapter was promised.
struct AdapterJournal {
  size_t submitted = 0;
  uint64_t acked = 0;
  // The position of the first event of the script; 0 while nothing of it is known.
  uint64_t first = 0;
  std::string fault;
};

// 'script_ids': MessageIdOf each event of the script.
AdapterJournal ReadAdapterJournal(const std::string& bytes,
                                  const std::vector<std::string>& script_ids) {
  // The script names its messages so.
  const std::string prefix = "g" + std::to_string(kScriptSeed) + "-";
  AdapterJournal journal;
  uint64_t last = 0;
  std::vector<std::pair<uint64_t, std::string>> of_script;
  for (const std::string& line : Lines(bytes)) {
    std::istringstream words(line);
    uint64_t position = 0;
    std::string what, id;
    if (line == "attached" || !(words >> position >> what)) continue;
    if (what == "acked") {
      if (position < journal.acked) journal.fault = "an acknowledgement went back: " + line;
      journal.acked = position;
      continue;
    }
    words >> id;
    ++journal.submitted;
    if (position <= last) journal.fault = "a position was given twice: " + line;
    last = position;
    if (id.rfind(prefix, 0) != 0) continue;
    of_script.emplace_back(position, id);
  }
  if (of_script.empty()) return journal;
  // The script goes into the spool one event a position, whatever happens. A kill between spool and
  // journal leaves lines out, so the first line left may be of any event about its message: one of
  // them must fit all other lines.
  const auto& [first_position, first_id] = of_script.front();
  const auto fits = [&](uint64_t first) {
    return std::all_of(of_script.begin(), of_script.end(), [&](const auto& line) {
      return line.first >= first && line.first - first < script_ids.size() &&
             script_ids[line.first - first] == line.second;
    });
  };
  for (size_t event = 0; event < script_ids.size() && event < first_position; ++event) {
    if (script_ids[event] != first_id || !fits(first_position - event)) continue;
    journal.first = first_position - event;
    return journal;
  }
  journal.fault = "an event of the script is missing or doubled";
  return journal;
}

// An app's journal against what it must have been shown, in order: 'shown' is how many it got.
struct AppVerdict {
  size_t shown = 0;
  // Events that came again after a restart of the app, none of them acknowledged.
  size_t repeated = 0;
  std::string fault;
};

constexpr size_t kEventSize = sizeof(kEventWord) - 1;

// How many of the events that a life of an app noted, from line 'at' on, are those of 'expected'
// from 'place' on, up to the first that is not; and whether all are.
struct Fit {
  size_t count = 0;
  bool whole = true;
};
Fit FitOf(const std::vector<std::string>& lines, size_t at,
          const std::vector<std::string>& expected, size_t place) {
  Fit fit;
  for (; at < lines.size() && lines[at] != "start"; ++at) {
    if (lines[at].rfind(kEventWord, 0) != 0) continue;
    const size_t next = place + fit.count;
    fit.whole = next < expected.size() &&
                lines[at].compare(kEventSize, std::string::npos, expected[next]) == 0;
    if (!fit.whole) break;
    ++fit.count;
  }
  return fit;
}

AppVerdict Judge(const std::string& bytes, const std::vector<std::string>& expected) {
  AppVerdict verdict;
  const std::vector<std::string> lines = Lines(bytes);
  size_t next = 0;
  size_t acked = 0;
  bool first_life = true;
  for (size_t at = 0; at < lines.size();) {
    // Only a restart may repeat, and never what was acknowledged. Lines are not all different (most
    // reactions are the same), so the place is the one that fits the app's whole life.
    size_t place = first_life ? next : acked;
    if (lines[at] == "start") ++at;
    Fit fit = FitOf(lines, at, expected, place);
    while (!fit.whole && place < next) fit = FitOf(lines, at, expected, ++place);
    if (!fit.whole) {
      verdict.fault =
          "event " + std::to_string(place + fit.count) + " is missing, doubled or out of order";
      return verdict;
    }
    if (fit.count > 0) {
      verdict.repeated += next - place;
      next = place;
    }
    for (; at < lines.size() && lines[at] != "start"; ++at) {
      if (lines[at] == "acked") {
        acked = next;
      } else if (lines[at].rfind(kEventWord, 0) == 0) {
        ++next;
      }
    }
    verdict.shown = std::max(verdict.shown, next);
    first_life = false;
  }
  return verdict;
}

class Crash : public SessionTest {
 protected:
  void SetUp() override {
    profile_ = std::make_unique<Profile>(&session());
    std::filesystem::create_directory(profile_->home() + "/journals");
    adapter_journal_ = profile_->home() + "/journals/adapter";
    for (const demo::Step& step :
         demo::GenerateScript(kScriptEvents, kScriptChats, kScriptSeed).steps) {
      script_ids_.push_back(MessageIdOf(step.event));
      const std::string shown = ShownOf(step.event);
      is_shown_.push_back(!shown.empty());
      if (!shown.empty()) expected_.push_back(shown);
    }
    ASSERT_NO_FATAL_FAILURE(AllowEverybody());
  }

  // A person allows the adapter and the apps; then the terminal is gone.
  void AllowEverybody() {
    fakes::ScriptedPerson person;
    const auto daemon = Process::Start(*profile_, {.person = &person});
    ASSERT_TRUE(daemon->AwaitReady()) << daemon->errors();
    const auto adapter = Process::Start(
        *profile_, {.program = "postern-demo-gatekeeper",
                    .arguments = {"--generate", "20", "--chats", "5", "--quiet", "--exit-at-end"}});
    ASSERT_TRUE(person.Answer({})) << person.screen() << adapter->errors();
    ASSERT_EQ(adapter->Wait(), 0) << adapter->errors();
    for (int i = 0; i < kApps; ++i) {
      apps_.push_back(StartApp(i));
      ASSERT_TRUE(person.Answer({.scopes = kAllItsScopes}))
          << person.screen() << apps_[i]->errors();
      ASSERT_TRUE(apps_[i]->AwaitReady()) << apps_[i]->errors();
    }
    ASSERT_EQ(daemon->Stop(), 0);
  }

  std::string AppJournal(int i) const {
    return profile_->home() + "/journals/app" + std::to_string(i);
  }

  std::unique_ptr<Process> StartApp(int i) {
    const char* const program = ::getenv("POSTERN_CRASH_APP");
    if (program == nullptr) std::abort();  // run by ctest, which names the program
    return Process::Start(*profile_,
                          {.program = program,
                           .arguments = {"org.example.crash" + std::to_string(i), AppJournal(i)}});
  }

  std::unique_ptr<Process> StartAdapter() {
    return Process::Start(
        *profile_,
        {.program = "postern-demo-gatekeeper",
         .arguments = {"--generate", std::to_string(kScriptEvents), "--chats",
                       std::to_string(kScriptChats), "--seed", std::to_string(kScriptSeed),
                       "--rate", kRate, "--quiet", "--journal", adapter_journal_}});
  }

  size_t JournalSize() const { return ReadFile(adapter_journal_).size(); }

  // Waits for 'count' more acknowledgements.
  bool AwaitAcks(size_t count) {
    FileWatch watch(adapter_journal_);
    return watch.Await([&](const std::string& bytes) { return Count(bytes, " acked\n") >= count; },
                       JournalSize());
  }

  // Holds everything against everything else. The broker runs, the adapter is stopped.
  AdapterJournal CheckAll() {
    const AdapterJournal journal = ReadAdapterJournal(ReadFile(adapter_journal_), script_ids_);
    EXPECT_EQ(journal.fault, "");
    EXPECT_GT(journal.first, 0u);
    EXPECT_GE(journal.acked, journal.first);
    size_t shown = 0;
    for (size_t i = 0; i + journal.first <= journal.acked; ++i) shown += is_shown_[i];
    for (int i = 0; i < kApps; ++i) {
      FileWatch watch(AppJournal(i));
      AppVerdict verdict;
      watch.Await([&](const std::string& bytes) {
        verdict = Judge(bytes, expected_);
        return !verdict.fault.empty() || verdict.shown >= shown;
      });
      EXPECT_EQ(verdict.fault, "") << "app " << i;
      EXPECT_GE(verdict.shown, shown) << "app " << i << " has not seen what was acknowledged";
      repeated_ += verdict.repeated;
    }
    std::printf(
        "  %zu events submitted, acknowledged up to %llu, %zu messages, edits and reactions shown "
        "to each of %d apps, in order, none missing\n",
        journal.submitted, static_cast<unsigned long long>(journal.acked), shown, kApps);
    return journal;
  }

  std::unique_ptr<Profile> profile_;
  std::string adapter_journal_;
  std::vector<std::string> expected_;  // what apps see, in order
  std::vector<bool> is_shown_;         // of each event of the script
  std::vector<std::string> script_ids_;
  std::vector<std::unique_ptr<Process>> apps_;
  size_t repeated_ = 0;
};

TEST_F(Crash, OfTheBrokerLosesAndDoublesNothing) {
  const char* const kill_point = ::getenv("POSTERN_KILL_POINT");
  ASSERT_NE(kill_point, nullptr) << "run by ctest, which names the library";
  const auto adapter = StartAdapter();
  // Where the adapter's journal was when it had read all that the broker killed then had sent.
  std::vector<size_t> heard;
  for (int i = 0; i < kBrokerKills; ++i) {
    ProcessOptions options;
    if (i < kAimedKills) {
      options.environment = {{"LD_PRELOAD", kill_point},
                             {"KILL_POINT_APPENDS", std::to_string(1 + (i * 7) % 23)}};
    }
    const size_t errors_before = adapter->errors().size();
    const auto daemon = Process::Start(*profile_, options);
    if (i < kAimedKills) {
      ASSERT_EQ(daemon->Wait(), 128 + SIGKILL) << "kill " << i << ": " << daemon->errors();
    } else {
      ASSERT_TRUE(AwaitAcks(1 + static_cast<size_t>(i) % 5)) << adapter->errors();
      ASSERT_EQ(daemon->Kill(), 128 + SIGKILL);
    }
    FileWatch errors(adapter->errors_path());
    ASSERT_TRUE(errors.Await(
        [](const std::string& bytes) {
          const size_t attached = bytes.find("attached");
          return attached != std::string::npos &&
                 bytes.find("waiting", attached) != std::string::npos;
        },
        errors_before))
        << "kill " << i << ": " << adapter->errors();
    heard.push_back(JournalSize());
  }
  const auto daemon = Process::Start(*profile_);
  ASSERT_TRUE(AwaitAcks(3)) << adapter->errors() << daemon->errors();
  EXPECT_EQ(adapter->Stop(), 0);
  CheckAll();

  // What the adapter hears at its next attaching, before it sends anything, was durable when the
  // broker died and not yet acknowledged.
  const std::string journal = ReadFile(adapter_journal_);
  int between = 0;
  for (const size_t at : heard) {
    const size_t attached = journal.find("attached\n", at);
    ASSERT_NE(attached, std::string::npos);
    between += Count(journal.substr(at, attached - at), " acked\n") > 0 ? 1 : 0;
  }
  std::printf(
      "  broker killed %zu times during ingest, %d of them between append and acknowledgement\n",
      heard.size(), between);
  EXPECT_GE(between, kBetweenAppendAndAckMin);
  EXPECT_EQ(repeated_, 0u) << "an app that lives is told nothing twice";
}

TEST_F(Crash, OfTheAdapterLosesAndDoublesNothing) {
  const auto daemon = Process::Start(*profile_);
  ASSERT_TRUE(daemon->AwaitReady()) << daemon->errors();
  for (int i = 0; i < kAdapterKills; ++i) {
    const auto adapter = StartAdapter();
    ASSERT_TRUE(AwaitAcks(1 + static_cast<size_t>(i) % 5)) << adapter->errors() << daemon->errors();
    ASSERT_EQ(adapter->Kill(), 128 + SIGKILL);
  }
  const auto adapter = StartAdapter();
  ASSERT_TRUE(AwaitAcks(3)) << adapter->errors() << daemon->errors();
  EXPECT_EQ(adapter->Stop(), 0);
  CheckAll();
  std::printf("  adapter killed %d times\n", kAdapterKills);
  EXPECT_EQ(repeated_, 0u);
}

TEST_F(Crash, OfAnAppLeavesNoGapAndRepeatsNothingItAcknowledged) {
  const auto daemon = Process::Start(*profile_);
  ASSERT_TRUE(daemon->AwaitReady()) << daemon->errors();
  const auto adapter = StartAdapter();
  for (int i = 0; i < kAppKills; ++i) {
    const int app = i % kApps;
    FileWatch watch(AppJournal(app));
    ASSERT_TRUE(
        watch.Await([&](const std::string& bytes) { return Count(bytes, "event ") >= 5u + i; },
                    ReadFile(AppJournal(app)).size()))
        << apps_[app]->errors();
    ASSERT_EQ(apps_[app]->Kill(), 128 + SIGKILL);
    apps_[app] = StartApp(app);
  }
  ASSERT_TRUE(AwaitAcks(3)) << adapter->errors();
  EXPECT_EQ(adapter->Stop(), 0);
  CheckAll();
  std::printf("  apps killed %d times; %zu events came again, none of them acknowledged\n",
              kAppKills, repeated_);
}

TEST_F(Crash, OfTheBrokerRightAfterARevocationLeavesItRevoked) {
  const auto adapter = StartAdapter();
  auto daemon = Process::Start(*profile_);
  for (int i = 0; i < kApps; ++i) {
    // Under load, with the app's stream open.
    FileWatch watch(AppJournal(i));
    ASSERT_TRUE(watch.Await([](const std::string& bytes) { return Count(bytes, "event ") >= 5; },
                            ReadFile(AppJournal(i)).size()))
        << apps_[i]->errors();
    const Ending revoked = RunToEnd(
        *profile_,
        {.program = "postern",
         .arguments = {"grants", "revoke", "--app", "org.example.crash" + std::to_string(i)}});
    ASSERT_EQ(daemon->Kill(), 128 + SIGKILL);
    ASSERT_EQ(revoked.code, 0) << revoked.errors;

    daemon = Process::Start(*profile_);
    ASSERT_TRUE(daemon->AwaitReady()) << daemon->errors();
    // The kill may have been faster than the end of the app's stream: then it hears of it now.
    ASSERT_EQ(apps_[i]->Wait(), 1) << "the app was let in again";
    EXPECT_THAT(apps_[i]->errors(), testing::HasSubstr("REVOKED"));
    apps_[i] = StartApp(i);
    ASSERT_EQ(apps_[i]->Wait(), 1) << "the app was let in again";
    EXPECT_THAT(apps_[i]->errors(), testing::HasSubstr("REVOKED"));
    for (int other = i + 1; other < kApps; ++other) {
      EXPECT_TRUE(apps_[other]->running()) << apps_[other]->errors();
    }
  }
  EXPECT_EQ(adapter->Stop(), 0);
}

}  // namespace
}  // namespace postern::daemon_test
