// SPDX-License-Identifier: Apache-2.0
#include "tests/fakes/private_bus.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <fstream>

namespace postern::fakes {
namespace {

constexpr char kConfiguration[] = R"(<!DOCTYPE busconfig PUBLIC
 "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path=@FOLDER@/bus</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
)";

void Die(const char* what) {
  std::perror(what);
  std::abort();
}

}  // namespace

PrivateBus::PrivateBus() {
  // /tmp and not TMPDIR: a socket's path has 107 bytes.
  char folder[] = "/tmp/postern-bus-XXXXXX";
  if (::mkdtemp(folder) == nullptr) Die("a folder for the bus");
  folder_ = folder;
  address_ = "unix:path=" + folder_ + "/bus";
  std::string configuration = kConfiguration;
  const std::string place = "@FOLDER@";
  configuration.replace(configuration.find(place), place.size(), folder_);
  std::ofstream(folder_ + "/bus.conf") << configuration;
  int ready[2];
  if (::pipe2(ready, O_CLOEXEC) != 0) Die("a pipe for the bus");
  const std::string file = "--config-file=" + folder_ + "/bus.conf";
  const pid_t parent = ::getpid();
  daemon_ = ::fork();
  if (daemon_ < 0) Die("fork");
  if (daemon_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(127);
    const int null = ::open("/dev/null", O_RDWR);
    ::dup2(null, STDIN_FILENO);
    ::dup2(ready[1], STDOUT_FILENO);
    // Its chatter ("Failed to set fd limit") would read like a test's failure.
    ::dup2(null, STDERR_FILENO);
    ::execlp("dbus-daemon", "dbus-daemon", file.c_str(), "--nofork", "--nopidfile", "--nosyslog",
             "--print-address=1", nullptr);
    ::_exit(127);
  }
  ::close(ready[1]);
  char c = 0;
  // It prints its address once it listens; nothing comes when it could not start.
  if (::read(ready[0], &c, 1) != 1) Die("dbus-daemon does not start");
  ::close(ready[0]);
}

PrivateBus::~PrivateBus() {
  ::kill(daemon_, SIGKILL);
  while (::waitpid(daemon_, nullptr, 0) < 0 && errno == EINTR) {
  }
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

}  // namespace postern::fakes
