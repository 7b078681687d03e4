// SPDX-License-Identifier: Apache-2.0
// A person at a terminal, for tests: reads what the real consent agent prints and types at it. He
// uses the same door as anybody; there is no other way in.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "platform/unique_fd.h"

namespace postern::fakes {

// What a willing person types, in the order of the agent's prompts. Each is one line without its
// end.
struct TypedAnswers {
  // Empty keeps the name that is offered.
  std::string name;
  // E.g. "1 3".
  std::string scopes = "1";
  // Numbers, or "all", or "all and new". For "all" with several accounts, `accounts` is typed next.
  std::string chats = "all and new";
  std::string accounts = "1";
  // Empty takes the default, of all that follow. The first three come after "all" alone.
  std::string kinds;
  std::string people;
  std::string left_out;
  std::string history;
  std::string sends;
  std::string duration;
  std::string locked;
  std::string start;
  std::string word = "allow";
};

// Owns a pseudo-terminal, and the processes it starts on it. One thread.
class ScriptedPerson {
 public:
  ScriptedPerson();
  // Hangs up; what still runs on the terminal gets SIGHUP and is then killed and reaped.
  ~ScriptedPerson();
  ScriptedPerson(const ScriptedPerson&) = delete;
  ScriptedPerson& operator=(const ScriptedPerson&) = delete;

  // Runs a program with the terminal as its controlling terminal and standard input, output and
  // error, in a session of its own. Once. Returns its pid, or -1.
  pid_t Run(const std::vector<std::string>& arguments);
  // Runs 'child' in a forked process on the terminal instead; what it returns is the exit code.
  pid_t Run(const std::function<int()>& child);
  // Waits for the program that Run started to end. Returns its exit code, 128 + n for signal n, or
  // -1 when 'timeout' passed.
  int Wait(std::chrono::milliseconds timeout = std::chrono::seconds(10));

  // Reads until 'text' has been printed since the last Expect. False when 'timeout' passes or the
  // terminal is closed.
  bool Expect(std::string_view text, std::chrono::milliseconds timeout = std::chrono::seconds(10));
  // Types 'keys' as they are; TypeLine presses Enter after them.
  void Type(std::string_view keys);
  void TypeLine(std::string_view line);

  // Goes through a whole question. False when a prompt did not come.
  bool Answer(const TypedAnswers& answers);
  // Waits for the first prompt and refuses.
  bool RefuseWithEnter();
  // Waits until the agent has said how it ended.
  bool ExpectEnd() { return Expect("Postern: "); }

  // All that was printed so far, as the terminal got it.
  const std::string& screen() const { return screen_; }
  int terminal() const { return master_.get(); }

 private:
  // Waits for output and appends it. False at the deadline or the end.
  bool ReadMore(std::chrono::steady_clock::time_point deadline);
  // Returns the prompt, of those, that is printed first; "" when none comes.
  std::string ExpectOneOf(const std::vector<std::string>& prompts);

  platform::UniqueFd master_;
  std::string screen_;
  size_t seen_ = 0;
  pid_t child_ = 0;
};

}  // namespace postern::fakes
