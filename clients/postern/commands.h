// SPDX-License-Identifier: Apache-2.0
// Every command. Each adds itself, and lives in cmd_<name>.cc.
#pragma once

#include "clients/postern/command.h"

namespace postern::cli {

void AddStatus(CommandLine& line);
void AddDoctor(CommandLine& line);
void AddEnroll(CommandLine& line);
void AddManifest(CommandLine& line);
void AddConformance(CommandLine& line);
void AddApps(CommandLine& line);
void AddChats(CommandLine& line);
void AddChatsBackfill(CommandLine& line, CLI::App* chats);
void AddContacts(CommandLine& line);
void AddView(CommandLine& line);
void AddSealAndUnseal(CommandLine& line);
void AddDisclosures(CommandLine& line);
void AddErasures(CommandLine& line);
void AddPauseAndResume(CommandLine& line);
void AddConsent(CommandLine& line);
void AddPurge(CommandLine& line);
void AddAttachments(CommandLine& line);
void AddExport(CommandLine& line);
void AddCompletion(CommandLine& line);

// `postern grants ...`
void AddGrants(CommandLine& line);
void AddGrantsList(CommandLine& line, CLI::App* grants);
void AddGrantsShow(CommandLine& line, CLI::App* grants);
void AddGrantsNarrow(CommandLine& line, CLI::App* grants);
void AddGrantsRevoke(CommandLine& line, CLI::App* grants);
void AddGrantsSuspendAndResume(CommandLine& line, CLI::App* grants);
void AddGrantsExtend(CommandLine& line, CLI::App* grants);

// `postern audit ...`
void AddAudit(CommandLine& line);
void AddAuditList(CommandLine& line, CLI::App* audit);
void AddAuditVerify(CommandLine& line, CLI::App* audit);
void AddAuditExport(CommandLine& line, CLI::App* audit);

// `postern messages ...`
void AddMessages(CommandLine& line);
void AddMessagesList(CommandLine& line, CLI::App* messages);
void AddMessagesWatch(CommandLine& line, CLI::App* messages);
void AddMessagesSend(CommandLine& line, CLI::App* messages);
void AddMessagesSearch(CommandLine& line, CLI::App* messages);
void AddMessagesContext(CommandLine& line, CLI::App* messages);
void AddMessagesEditAndDelete(CommandLine& line, CLI::App* messages);
void AddMessagesReactAndVote(CommandLine& line, CLI::App* messages);
void AddMessagesDraftAndMarkRead(CommandLine& line, CLI::App* messages);

}  // namespace postern::cli
