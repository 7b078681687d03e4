// SPDX-License-Identifier: Apache-2.0
#include "broker/program_watch.h"

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/strip.h>
#include <spdlog/spdlog.h>

#include <string>
#include <utility>

#include "permissions/display_text.h"

namespace postern::broker {
namespace {

using platform::PeerEvidence;

constexpr absl::string_view kFlatpak = "flatpak:";
constexpr absl::string_view kSnap = "snap:";
// What the kernel writes behind the path of a program that was replaced while it runs.
constexpr absl::string_view kDeleted = " (deleted)";

// What was written down at enrolment, in the form of a look.
PeerEvidence Enrolled(const v1::App& app) {
  PeerEvidence evidence;
  evidence.executable = app.executable();
  evidence.script = app.script();
  absl::string_view sandbox = app.sandbox();
  if (absl::ConsumePrefix(&sandbox, kFlatpak)) evidence.flatpak_id = std::string(sandbox);
  if (absl::ConsumePrefix(&sandbox, kSnap)) evidence.snap_name = std::string(sandbox);
  return evidence;
}

std::string SandboxOf(const PeerEvidence& evidence) {
  if (!evidence.flatpak_id.empty()) return absl::StrCat(kFlatpak, evidence.flatpak_id);
  if (!evidence.snap_name.empty()) return absl::StrCat(kSnap, evidence.snap_name);
  return "";
}

// For people: the sandbox, the script, or the executable.
std::string NameOf(const PeerEvidence& evidence) {
  std::string name = SandboxOf(evidence);
  if (name.empty()) name = evidence.script.empty() ? evidence.executable : evidence.script;
  return name.empty() ? "unknown" : name;
}

}  // namespace

ProgramWatch::ProgramWatch(AppRegistry& apps, OwnerNotices& notices, Look look)
    : apps_(apps), notices_(notices), look_(look ? std::move(look) : [](int pidfd) {
        return platform::GatherEvidence(pidfd, platform::EvidenceDepth::kQuick);
      }) {}

bool ProgramWatch::Admits(const permissions::Principal& principal, int pidfd) {
  const AppPointer app = apps_.Find(principal);
  if (app->standing != Standing::kApp && app->standing != Standing::kGatekeeper) return true;
  const PeerEvidence enrolled = Enrolled(app->app);
  const bool sandboxed = !app->app.sandbox().empty();
  if (!sandboxed && (enrolled.executable.empty() || enrolled.executable == "unknown")) return true;
  PeerEvidence now = look_(pidfd);
  // It is gone. Not so the descriptor, which its child may hold: a copied key must not get in so.
  if (now.pid == 0) return !sandboxed;
  now.executable = std::string(absl::StripSuffix(now.executable, kDeleted));
  // A process may hide its executable, but not where the broker could see the sandbox at enrolment.
  if (!sandboxed && now.executable.empty()) return true;
  const bool same = platform::SameProgram(enrolled, now);
  const std::string other = same ? "" : NameOf(now);
  if (app->app.other_program() != other) {
    if (const absl::Status kept = apps_.KeepOtherProgram(principal, other); !kept.ok()) {
      spdlog::error("event=other_program_unwritten code={}", static_cast<int>(kept.code()));
    }
    if (!same) {
      notices_.Tell(
          v1::OwnerNotice::KIND_PROGRAM_CHANGED,
          absl::StrCat("The key of \"", app->app.display_name(), "\" was used by another program (",
                       permissions::CleanText(other, permissions::kPurposeGraphemesMax), ")",
                       sandboxed ? "; it was turned away."
                                 : ". If it was not updated or moved, take its access back."),
          principal);
    }
  }
  return same || !sandboxed;
}

void NoteProgram(const PeerEvidence& evidence, v1::App& app) {
  // The agent's word first: it saw more. What it could not read the broker may have.
  if (app.executable().empty() || app.executable() == "unknown") {
    app.set_executable(evidence.executable.empty() ? "unknown" : evidence.executable);
  }
  app.set_script(evidence.script);
  app.set_sandbox(SandboxOf(evidence));
  app.clear_other_program();
}

}  // namespace postern::broker
