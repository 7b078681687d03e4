// SPDX-License-Identifier: Apache-2.0
// `postern`: the owner's tool and the app developer's tool.
#include "clients/postern/commands.h"

int main(int argc, char** argv) {
  postern::cli::CommandLine line;
  postern::cli::AddStatus(line);
  postern::cli::AddDoctor(line);
  postern::cli::AddApps(line);
  postern::cli::AddGrants(line);
  postern::cli::AddChats(line);
  postern::cli::AddContacts(line);
  postern::cli::AddView(line);
  postern::cli::AddMessages(line);
  postern::cli::AddAttachments(line);
  postern::cli::AddExport(line);
  postern::cli::AddSealAndUnseal(line);
  postern::cli::AddDisclosures(line);
  postern::cli::AddErasures(line);
  postern::cli::AddAudit(line);
  postern::cli::AddPauseAndResume(line);
  postern::cli::AddConsent(line);
  postern::cli::AddEnroll(line);
  postern::cli::AddManifest(line);
  postern::cli::AddConformance(line);
  postern::cli::AddPurge(line);
  postern::cli::AddCompletion(line);
  return line.Main(argc, argv);
}
