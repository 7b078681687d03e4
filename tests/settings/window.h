// SPDX-License-Identifier: Apache-2.0
// The real `postern-settings` on a virtual display, used as people use it: by pointer, keys and
// screen reader.
#pragma once

#include <sys/types.h>

#include <cstdio>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/daemon/process.h"

namespace postern::settings_test {

// A virtual display, the bus of screen readers and a screen reader, on a session's bus, for a whole
// program.
class Desktop {
 public:
  explicit Desktop(const fakes::SessionBus& session);
  ~Desktop();
  Desktop(const Desktop&) = delete;
  Desktop& operator=(const Desktop&) = delete;

  bool ok() const { return !display_.empty(); }
  // For programs that are to be seen on it.
  daemon_test::Environment environment() const;
  const std::string& display() const { return display_; }
  // Puts a request to the screen reader (tests/consent/screen_reader.py), which is started by the
  // first one. It tells of the newest window.
  nlohmann::json Ask(const nlohmann::json& request);

 private:
  void StartReader();

  std::string display_;
  daemon_test::Environment session_;
  pid_t server_ = 0;
  pid_t accessibility_ = 0;
  pid_t reader_ = 0;
  std::FILE* to_reader_ = nullptr;
  std::FILE* from_reader_ = nullptr;
};

// Runs a shell command and returns what it prints.
std::string Output(const std::string& command);

class Window {
 public:
  // Starts the program and waits for its window.
  Window(Desktop& desktop, const daemon_test::Profile& profile,
         daemon_test::Environment environment = {}, std::vector<std::string> arguments = {});
  ~Window();
  Window(const Window&) = delete;
  Window& operator=(const Window&) = delete;

  // Presses what begins with each of the names, in order; each counts as one action. False, and the
  // test fails, when one does not come.
  bool Press(const std::vector<std::string>& names);
  int actions() const { return actions_; }
  // Puts the pointer's button down on what begins with 'name', and up again; not on a row, which
  // GTK lets go when it is held for long. False, and the test fails, when it does not come.
  bool Hold(const std::string& name);
  void LetGo();
  // Turns to the page whose tab is named so. False, and the test fails, when there is none.
  bool Turn(const std::string& tab);
  // Waits until something can be pressed, or is said, that begins so.
  bool Wait(const std::string& name);
  // Waits until a line of the tree contains 'text'.
  bool WaitForText(const std::string& text);
  // All that a screen reader would say, from top to bottom.
  std::vector<std::string> Tree();
  // Opens the list of choices that is named so, and chooses the one at 'place', the first being 0;
  // runs 'meanwhile' while it is open. False, and the test fails, when no list opens.
  bool Choose(const std::string& name, int place, const std::function<void()>& meanwhile = {});
  // Gives the keyboard to what begins with 'name', by a click.
  bool Focus(const std::string& name);
  void Key(const std::string& key);
  // Presses what closes the window and waits for the program's end. Returns its exit code, -1 when
  // it goes on.
  int Close();
  void Type(const std::string& text);
  // Gives the keyboard to the program's newest window, as a window manager would.
  void FocusTop();
  // Waits for a window of the program with this title and gives it the keyboard. The X server is
  // asked: a walk through all that a long page says may outlast the wait.
  bool FocusTitled(const std::string& title);
  // Has the chooser of this title write to 'path'. False, and the test fails, when none comes.
  bool SaveAs(const std::string& title, const std::string& path);
  // Goes on by 'key' until the keyboard acts on what begins with 'name'. False, and the test fails,
  // when that does not come.
  bool WalkTo(const std::string& name, const std::string& key = "Tab");
  // Writes what is on the display to 'path'; false when that is empty or of one colour.
  bool Photograph(const std::string& path);

 private:
  nlohmann::json Ask(nlohmann::json request);
  // Waits for a visible window that xdotool finds by 'what', and returns its id; empty when none
  // comes.
  std::string Find(const std::string& what);
  // Waits until the program shows so many windows; a list of choices is one of its own.
  bool WaitForWindows(int count);

  Desktop& desktop_;
  std::string display_;
  // How many of the display's points one of the window's is wide.
  int scale_ = 1;
  std::unique_ptr<daemon_test::Process> program_;
  int actions_ = 0;
};

}  // namespace postern::settings_test
