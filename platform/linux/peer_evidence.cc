// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/peer_evidence.h"

#include <absl/strings/escaping.h>
#include <absl/strings/match.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>
#include <absl/strings/strip.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <memory>

#include "platform/unique_fd.h"

namespace postern::platform {
namespace {

// Enough for a person to judge by; the rest would only push the question off the screen.
constexpr size_t kCommandLineBytesMax = 2048;
constexpr size_t kPathBytesMax = 4096;
constexpr size_t kSmallFileBytesMax = 64 * 1024;
constexpr int kParentsMax = 8;
// Hashed in about half a second; a larger executable stays "unknown" rather than delay the
// question.
constexpr uint64_t kHashedBytesMax = 512ull << 20;
// A script is text that somebody wrote. The daemon hashes it for every new key that asks, so what
// is larger is no script.
constexpr uint64_t kScriptBytesMax = 16ull << 20;

// Returns 'bytes' with each byte that is not part of valid UTF-8 replaced by '?', so that JSON and
// GTK take it.
std::string ValidUtf8(absl::string_view bytes) {
  std::string text;
  for (size_t at = 0; at < bytes.size();) {
    const auto lead = static_cast<uint8_t>(bytes[at]);
    size_t size = lead < 0x80                   ? 1
                  : lead >= 0xC2 && lead < 0xE0 ? 2
                  : lead >= 0xE0 && lead < 0xF0 ? 3
                  : lead >= 0xF0 && lead < 0xF5 ? 4
                                                : 0;
    bool valid = size > 0 && at + size <= bytes.size();
    for (size_t i = 1; valid && i < size; ++i) {
      valid = (static_cast<uint8_t>(bytes[at + i]) & 0xC0) == 0x80;
    }
    if (valid && size > 2) {
      // Overlong forms, surrogates and what is above U+10FFFF.
      const auto second = static_cast<uint8_t>(bytes[at + 1]);
      valid = !(lead == 0xE0 && second < 0xA0) && !(lead == 0xED && second >= 0xA0) &&
              !(lead == 0xF0 && second < 0x90) && !(lead == 0xF4 && second >= 0x90);
    }
    if (valid) {
      text.append(bytes.data() + at, size);
      at += size;
    } else {
      text.push_back('?');
      ++at;
    }
  }
  return text;
}

std::string ReadSmallFile(const std::string& path, size_t bytes_max) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  std::string bytes;
  if (!fd.valid()) return bytes;
  std::array<char, 4096> buffer;
  while (bytes.size() < bytes_max) {
    const ssize_t size =
        ::read(fd.get(), buffer.data(), std::min(buffer.size(), bytes_max - bytes.size()));
    if (size <= 0) break;
    bytes.append(buffer.data(), static_cast<size_t>(size));
  }
  return bytes;
}

std::string ReadLink(const std::string& path) {
  std::string target(kPathBytesMax, '\0');
  const ssize_t size = ::readlink(path.c_str(), target.data(), target.size());
  if (size <= 0) return "";
  target.resize(static_cast<size_t>(size));
  return target;
}

// Lower-case hex, or "" when the file is not a regular one, cannot be read or has more than
// 'bytes_max'.
std::string Sha256OfFile(const std::string& path, uint64_t bytes_max) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  struct stat facts {};
  if (!fd.valid() || ::fstat(fd.get(), &facts) != 0 || !S_ISREG(facts.st_mode) ||
      static_cast<uint64_t>(facts.st_size) > bytes_max) {
    return "";
  }
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                        &EVP_MD_CTX_free);
  if (!context || EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) != 1) return "";
  std::vector<char> buffer(256 * 1024);
  uint64_t total = 0;
  while (true) {
    const ssize_t size = ::read(fd.get(), buffer.data(), buffer.size());
    if (size < 0) return "";
    if (size == 0) break;
    total += static_cast<uint64_t>(size);
    // It may grow while it is read.
    if (total > bytes_max) return "";
    if (EVP_DigestUpdate(context.get(), buffer.data(), static_cast<size_t>(size)) != 1) return "";
  }
  std::string digest(32, '\0');
  if (EVP_DigestFinal_ex(context.get(), reinterpret_cast<unsigned char*>(digest.data()), nullptr) !=
      1) {
    return "";
  }
  return absl::BytesToHexString(digest);
}

// Returns the value of 'field' in a file of "Field: value" lines.
std::string FieldOf(absl::string_view file, absl::string_view field) {
  for (absl::string_view line : absl::StrSplit(file, '\n')) {
    if (absl::ConsumePrefix(&line, field) && absl::ConsumePrefix(&line, ":")) {
      return std::string(absl::StripAsciiWhitespace(line));
    }
  }
  return "";
}

// Returns the pid behind 'pidfd', or 0 when it is gone or not visible from here.
int64_t PidOf(int pidfd) {
  int64_t pid = 0;
  const std::string info =
      ReadSmallFile(absl::StrCat("/proc/self/fdinfo/", pidfd), kSmallFileBytesMax);
  if (!absl::SimpleAtoi(FieldOf(info, "Pid"), &pid) || pid <= 0) return 0;
  return pid;
}

bool IsAlive(int pidfd) {
  // A pidfd becomes readable when its process ends.
  pollfd state{pidfd, POLLIN, 0};
  return ::poll(&state, 1, 0) == 0;
}

bool IsInterpreter(absl::string_view executable) {
  const size_t slash = executable.rfind('/');
  if (slash != absl::string_view::npos) executable.remove_prefix(slash + 1);
  for (absl::string_view name : {"python", "perl", "ruby", "node", "nodejs", "bash", "dash", "sh",
                                 "zsh", "java", "php", "lua", "gjs", "deno", "bun", "pypy"}) {
    absl::string_view rest = executable;
    // The name alone, or followed by a version as in "python3.11".
    if (absl::ConsumePrefix(&rest, name) &&
        rest.find_first_not_of("0123456789.") == absl::string_view::npos) {
      return true;
    }
  }
  return false;
}

bool IsScript(const std::string& path) {
  struct stat facts {};
  return ::stat(path.c_str(), &facts) == 0 && S_ISREG(facts.st_mode) &&
         static_cast<uint64_t>(facts.st_size) <= kScriptBytesMax;
}

void ReadScript(const std::string& proc, const std::vector<std::string>& arguments,
                EvidenceDepth depth, PeerEvidence& evidence) {
  for (size_t i = 1; i < arguments.size(); ++i) {
    const std::string& argument = arguments[i];
    if (argument.empty() || argument.front() == '-') continue;
    const std::string path =
        argument.front() == '/' ? argument : absl::StrCat(ReadLink(proc + "cwd"), "/", argument);
    // Through the process' own root: in a sandbox the same path is another file here.
    const std::string file = absl::StrCat(proc, "root", path);
    // The value of an option ("-m module") is no file, and the script may still follow.
    if (!IsScript(file)) continue;
    if (depth != EvidenceDepth::kQuick) {
      evidence.script_sha256 = Sha256OfFile(file, kScriptBytesMax);
      if (evidence.script_sha256.empty()) continue;
    }
    evidence.script = ValidUtf8(path);
    return;
  }
}

void ReadCgroup(const std::string& proc, PeerEvidence& evidence) {
  const std::string file = ReadSmallFile(proc + "cgroup", kSmallFileBytesMax);
  for (absl::string_view line : absl::StrSplit(file, '\n')) {
    for (absl::string_view part : absl::StrSplit(line, '/')) {
      if (absl::EndsWith(part, ".service") || absl::EndsWith(part, ".scope")) {
        // The last one is the innermost.
        evidence.unit = ValidUtf8(part);
      }
      absl::string_view snap = part;
      if (absl::ConsumePrefix(&snap, "snap.") && snap.find('.') != absl::string_view::npos) {
        evidence.snap_name = ValidUtf8(snap.substr(0, snap.find('.')));
      }
    }
  }
}

void ReadFlatpak(const std::string& proc, PeerEvidence& evidence) {
  const std::string file = ReadSmallFile(proc + "root/.flatpak-info", kSmallFileBytesMax);
  bool in_application = false;
  for (absl::string_view line : absl::StrSplit(file, '\n')) {
    if (absl::StartsWith(line, "[")) in_application = line == "[Application]";
    if (in_application && absl::ConsumePrefix(&line, "name=")) {
      evidence.flatpak_id = ValidUtf8(line);
      return;
    }
  }
}

void ReadParents(const std::string& status, PeerEvidence& evidence) {
  std::string child_status = status;
  for (int i = 0; i < kParentsMax; ++i) {
    int64_t parent = 0;
    if (!absl::SimpleAtoi(FieldOf(child_status, "PPid"), &parent) || parent <= 0) return;
    child_status = ReadSmallFile(absl::StrCat("/proc/", parent, "/status"), kSmallFileBytesMax);
    if (child_status.empty()) return;
    evidence.parents.push_back({parent, ValidUtf8(FieldOf(child_status, "Name"))});
  }
}

}  // namespace

PeerEvidence GatherEvidence(int pidfd, EvidenceDepth depth) {
  PeerEvidence evidence;
  if (pidfd < 0) return evidence;
  evidence.pid = PidOf(pidfd);
  if (evidence.pid == 0) return evidence;
  const std::string proc = absl::StrCat("/proc/", evidence.pid, "/");

  evidence.executable = ValidUtf8(ReadLink(proc + "exe"));
  if (depth == EvidenceDepth::kFull) {
    // The link and not its text: it leads to the very file that runs, even when that was replaced.
    evidence.executable_sha256 = Sha256OfFile(proc + "exe", kHashedBytesMax);
  }
  std::string command_line = ReadSmallFile(proc + "cmdline", kSmallFileBytesMax);
  const std::vector<std::string> arguments = absl::StrSplit(command_line, '\0');
  if (depth == EvidenceDepth::kFull) {
    std::replace(command_line.begin(), command_line.end(), '\0', ' ');
    command_line.resize(std::min(command_line.size(), kCommandLineBytesMax));
    evidence.command_line = ValidUtf8(absl::StripTrailingAsciiWhitespace(command_line));
    ReadParents(ReadSmallFile(proc + "status", kSmallFileBytesMax), evidence);
  }
  if (IsInterpreter(evidence.executable)) ReadScript(proc, arguments, depth, evidence);
  ReadCgroup(proc, evidence);
  ReadFlatpak(proc, evidence);

  // Checked after reading: had it ended in between, the pid could have been another process' by
  // then.
  if (!IsAlive(pidfd)) return PeerEvidence();
  return evidence;
}

bool SameProgram(const PeerEvidence& a, const PeerEvidence& b) {
  if (!a.flatpak_id.empty() || !b.flatpak_id.empty()) return a.flatpak_id == b.flatpak_id;
  if (!a.snap_name.empty() || !b.snap_name.empty()) return a.snap_name == b.snap_name;
  return !a.executable.empty() && a.executable == b.executable && a.script == b.script;
}

std::string OriginOf(const PeerEvidence& evidence) {
  if (!evidence.flatpak_id.empty()) return absl::StrCat("flatpak:", evidence.flatpak_id);
  if (!evidence.snap_name.empty()) return absl::StrCat("snap:", evidence.snap_name);
  // Scopes are left out: one holds the whole session, and any program may open a new one. So is the
  // user's own service manager, which everything else hangs below.
  if (absl::EndsWith(evidence.unit, ".service") && !absl::StartsWith(evidence.unit, "user@")) {
    return absl::StrCat("unit:", evidence.unit);
  }
  if (evidence.executable.empty()) return "";
  if (evidence.script.empty()) return absl::StrCat("executable:", evidence.executable);
  return absl::StrCat("script:", evidence.executable, ":", evidence.script, ":",
                      evidence.script_sha256);
}

}  // namespace postern::platform
