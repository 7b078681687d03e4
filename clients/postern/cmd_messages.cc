// SPDX-License-Identifier: Apache-2.0
#include "clients/postern/commands.h"

namespace postern::cli {

void AddMessages(CommandLine& line) {
  CLI::App* messages = line.AddGroup(
      {.name = "messages",
       .summary = "Read and send, as an app that you allowed",
       .more = "These commands are an ordinary app: they ask you once, see what you allowed, and "
               "can be\n"
               "revoked like any other (`postern grants revoke --app org.postern.cli`).",
       .examples = {"postern messages watch", "postern messages list Family",
                    "postern messages send Family \"On my way\""}});
  AddMessagesList(line, messages);
  AddMessagesSearch(line, messages);
  AddMessagesContext(line, messages);
  AddMessagesWatch(line, messages);
  AddMessagesSend(line, messages);
  AddMessagesEditAndDelete(line, messages);
  AddMessagesReactAndVote(line, messages);
  AddMessagesDraftAndMarkRead(line, messages);
}

}  // namespace postern::cli
