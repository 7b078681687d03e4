// SPDX-License-Identifier: Apache-2.0
#include "tests/settings/window.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <utility>

namespace postern::settings_test {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::seconds kPatience{20};
// More stops than any page has.
constexpr int kStopsMax = 80;
constexpr std::chrono::seconds kNowhere{1};

// Starts a program that ends with this one. Its standard streams are 'input' and 'output' where
// they are not -1.
pid_t Spawn(std::vector<std::string> arguments, const daemon_test::Environment& environment,
            int input = -1, int output = -1) {
  const pid_t pid = ::fork();
  if (pid != 0) return pid;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  for (const auto& [name, value] : environment) {
    value.empty() ? ::unsetenv(name.c_str()) : ::setenv(name.c_str(), value.c_str(), 1);
  }
  if (input >= 0) ::dup2(input, STDIN_FILENO);
  if (output >= 0) ::dup2(output, STDOUT_FILENO);
  std::vector<char*> words;
  for (std::string& argument : arguments) words.push_back(argument.data());
  words.push_back(nullptr);
  ::execvp(words.front(), words.data());
  ::_exit(127);
}

void End(pid_t& pid) {
  if (pid <= 0) return;
  ::kill(pid, SIGTERM);
  ::waitpid(pid, nullptr, 0);
  pid = 0;
}

}  // namespace

std::string Output(const std::string& command) {
  std::string text;
  FILE* pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) return text;
  std::array<char, 256> buffer;
  while (::fgets(buffer.data(), buffer.size(), pipe) != nullptr) text += buffer.data();
  ::pclose(pipe);
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

Desktop::Desktop(const fakes::SessionBus& session) : session_(session.Environment()) {
  int said[2];
  if (::pipe(said) != 0) return;
  // Without -noreset it begins anew, and takes nobody, whenever its last client is gone.
  server_ = Spawn({"Xvfb", "-screen", "0", "1900x2000x24", "-noreset", "-nolisten", "tcp",
                   "-displayfd", std::to_string(said[1])},
                  {});
  ::close(said[1]);
  std::string number;
  for (char byte = 0; ::read(said[0], &byte, 1) == 1 && byte != '\n';) number += byte;
  ::close(said[0]);
  if (number.empty()) return;
  display_ = ":" + number;
  daemon_test::Environment environment = session_;
  environment["DISPLAY"] = display_;
  accessibility_ = Spawn({"/usr/libexec/at-spi-bus-launcher", "--launch-immediately"}, environment);
}

Desktop::~Desktop() {
  if (to_reader_ != nullptr) std::fclose(to_reader_);
  if (from_reader_ != nullptr) std::fclose(from_reader_);
  End(reader_);
  End(accessibility_);
  End(server_);
}

daemon_test::Environment Desktop::environment() const {
  return {{"DISPLAY", display_},           {"WAYLAND_DISPLAY", ""},
          {"GDK_BACKEND", "x11"},          {"GSK_RENDERER", "cairo"},
          {"GDK_DEBUG", "gl-disable"},     {"GDK_DISABLE", "gl"},
          {"GSETTINGS_BACKEND", "memory"}, {"GTK_A11Y", "atspi"},
          {"LC_ALL", "C.UTF-8"},           {"TZ", "UTC"}};
}

void Desktop::StartReader() {
  int to[2];
  int from[2];
  if (::pipe2(to, O_CLOEXEC) != 0 || ::pipe2(from, O_CLOEXEC) != 0) std::abort();
  daemon_test::Environment reader = session_;
  for (const auto& [name, value] : environment()) reader[name] = value;
  reader_ = Spawn({"/usr/bin/python3", SCREEN_READER, "postern-settings"}, reader, to[0], from[1]);
  ::close(to[0]);
  ::close(from[1]);
  to_reader_ = ::fdopen(to[1], "w");
  from_reader_ = ::fdopen(from[0], "r");
}

nlohmann::json Desktop::Ask(const nlohmann::json& request) {
  if (reader_ == 0) StartReader();
  const std::string line = request.dump() + "\n";
  std::fputs(line.c_str(), to_reader_);
  std::fflush(to_reader_);
  std::string answer;
  for (int byte = std::fgetc(from_reader_); byte != EOF && byte != '\n';
       byte = std::fgetc(from_reader_)) {
    answer += static_cast<char>(byte);
  }
  const nlohmann::json parsed = nlohmann::json::parse(answer, nullptr, false);
  return parsed.is_object() ? parsed : nlohmann::json{{"ok", false}};
}

Window::Window(Desktop& desktop, const daemon_test::Profile& profile,
               daemon_test::Environment environment, std::vector<std::string> arguments)
    : desktop_(desktop), display_(desktop.display()) {
  daemon_test::Environment all = desktop.environment();
  for (const auto& [name, value] : environment) all[name] = value;
  // Without a window manager the window below the pointer has the focus.
  Output("DISPLAY=" + display_ + " xdotool mousemove 1890 1990");
  program_ = daemon_test::Process::Start(
      profile,
      {.program = "postern-settings", .arguments = std::move(arguments), .environment = all});
  const std::string id = Find("--pid " + std::to_string(program_->pid()));
  EXPECT_FALSE(id.empty()) << program_->errors();
  // Tall enough to show all of most pages: what is to be pressed need not be scrolled to.
  if (all.contains("GDK_SCALE")) scale_ = std::atoi(all.at("GDK_SCALE").c_str());
  Output("DISPLAY=" + display_ + " xdotool windowsize --sync " + id +
         (scale_ == 2 ? " 1800 1950" : " 900 1240"));
  Output("DISPLAY=" + display_ + " xdotool windowfocus --sync " + id);
}

Window::~Window() { program_->Stop(); }

nlohmann::json Window::Ask(nlohmann::json request) {
  request["scale"] = scale_;
  return desktop_.Ask(request);
}

// By turns of our own: xdotool's --sync looks twice a second.
std::string Window::Find(const std::string& what) {
  return Output("DISPLAY=" + display_ + " timeout " + std::to_string(kPatience.count()) +
                " sh -c 'until xdotool search --onlyvisible " + what +
                " | grep .; do sleep 0.03; done' | tail -1");
}

bool Window::Press(const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    const nlohmann::json answer = Ask({{"do", "press"}, {"name", name}});
    if (!answer.value("ok", false)) {
      ADD_FAILURE() << "there is no " << name << " to press:\n" << answer.dump(1);
      return false;
    }
    ++actions_;
  }
  return true;
}

bool Window::Hold(const std::string& name) {
  const nlohmann::json place = Ask({{"do", "where"}, {"name", name}, {"in_row", true}});
  if (!place.value("ok", false)) {
    ADD_FAILURE() << "there is no " << name << " to hold:\n" << place.dump(1);
    return false;
  }
  const auto middle = [&](const char* begin, const char* size) {
    return std::to_string(scale_ * (place.value(begin, 0) + place.value(size, 0) / 2));
  };
  Output("DISPLAY=" + display_ + " xdotool mousemove " + middle("x", "width") + " " +
         middle("y", "height") + " mousedown 1");
  return true;
}

void Window::LetGo() { Output("DISPLAY=" + display_ + " xdotool mouseup 1"); }

int Window::Close() { return Press({"Close"}) ? program_->Wait() : -1; }

bool Window::Turn(const std::string& tab) {
  const nlohmann::json answer = Ask({{"do", "turn"}, {"name", tab}});
  if (!answer.value("ok", false)) ADD_FAILURE() << "there is no tab " << tab << answer.dump(1);
  return answer.value("ok", false);
}

bool Window::WaitForWindows(int count) {
  const std::string shown =
      "$(xdotool search --onlyvisible --pid " + std::to_string(program_->pid()) + " | wc -l)";
  return Output("DISPLAY=" + display_ + " timeout " + std::to_string(kPatience.count()) +
                " sh -c 'until [ " + shown + " -eq " + std::to_string(count) +
                " ]; do sleep 0.03; done; echo so'") == "so";
}

bool Window::Choose(const std::string& name, int place, const std::function<void()>& meanwhile) {
  if (!Press({name})) return false;
  if (!WaitForWindows(2)) {
    ADD_FAILURE() << name << " opens no list";
    return false;
  }
  if (meanwhile) meanwhile();
  Key("Home");
  for (int i = 0; i < place; ++i) Key("Down");
  Key("Return");
  return WaitForWindows(1);
}

bool Window::Focus(const std::string& name) {
  return Ask({{"do", "focus"}, {"name", name}}).value("ok", false);
}

bool Window::Wait(const std::string& name) {
  return Ask({{"do", "wait"}, {"name", name}}).value("ok", false);
}

std::vector<std::string> Window::Tree() {
  const nlohmann::json answer = Ask({{"do", "tree"}});
  return answer.value("tree", std::vector<std::string>{});
}

bool Window::WaitForText(const std::string& text) {
  const auto deadline = Clock::now() + kPatience;
  std::vector<std::string> tree;
  while (Clock::now() < deadline) {
    tree = Tree();
    for (const std::string& line : tree) {
      if (line.find(text) != std::string::npos) return true;
    }
  }
  std::string all;
  for (const std::string& line : tree) all += line + "\n";
  ADD_FAILURE() << "nothing says " << text << "\n" << all;
  return false;
}

void Window::Key(const std::string& key) { Output("DISPLAY=" + display_ + " xdotool key " + key); }

void Window::Type(const std::string& text) {
  Output("DISPLAY=" + display_ + " xdotool type '" + text + "'");
}

void Window::FocusTop() {
  const std::string id = Output("DISPLAY=" + display_ + " xdotool search --onlyvisible --pid " +
                                std::to_string(program_->pid()) + " | tail -1");
  Output("DISPLAY=" + display_ + " xdotool windowfocus --sync " + id);
}

bool Window::FocusTitled(const std::string& title) {
  const std::string id = Find("--name \"^" + title + "$\"");
  if (id.empty()) {
    ADD_FAILURE() << "there is no window named " << title;
    return false;
  }
  Output("DISPLAY=" + display_ + " xdotool windowfocus --sync " + id);
  return true;
}

bool Window::SaveAs(const std::string& title, const std::string& path) {
  if (!FocusTitled(title)) return false;
  // The chooser takes a path as its name.
  Key("ctrl+a");
  Type(path);
  Key("Return");
  return true;
}

bool Window::WalkTo(const std::string& name, const std::string& key) {
  std::string passed;
  nlohmann::json before = Ask({{"do", "focused"}});
  for (int stop = 0; stop < kStopsMax; ++stop) {
    if (before.value("name", "").rfind(name, 0) == 0) return true;
    passed += before.value("name", "") + "; ";
    Key(key);
    const auto deadline = Clock::now() + kPatience;
    // A text field does not say that it has the keyboard: nowhere for some time is a stop too.
    auto somewhere = Clock::now();
    nlohmann::json now;
    while (Clock::now() < deadline && Clock::now() - somewhere < kNowhere) {
      now = Ask({{"do", "focused"}});
      if (now.value("place", -1) < 0) continue;
      somewhere = Clock::now();
      if (now != before) break;
    }
    before = std::move(now);
  }
  ADD_FAILURE() << name << " is not reached, but " << passed;
  return false;
}

bool Window::Photograph(const std::string& path) {
  // The window, without the empty display around it.
  Output("DISPLAY=" + display_ + " xdotool mousemove 1890 1990");
  Output("DISPLAY=" + display_ + " import -window root -trim +repage -quality 11 " + path);
  const std::string colours = Output("identify -format %k " + path);
  return std::atoi(colours.c_str()) > 8;
}

}  // namespace postern::settings_test
