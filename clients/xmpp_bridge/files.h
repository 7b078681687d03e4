// SPDX-License-Identifier: Apache-2.0
// Files between Postern and the XMPP server's file store (XEP-0363), by HTTPS (libcurl). Their
// bytes rest meanwhile in an unnamed file, which is gone with the process.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <string>

#include "clients/sdk/client.h"
#include "clients/xmpp_bridge/component.h"
#include "clients/xmpp_bridge/config.h"
#include "postern/v1/message.pb.h"

namespace postern::xmpp_bridge {

class Files {
 public:
  Files(const Config& config, sdk::Client& client, Component& component);

  // Brings an attachment of a chat to the file store and returns its address there. UNAVAILABLE
  // when trying again can help, GRANT_SUSPENDED or LIMIT_EXCEEDED when it must wait while the
  // access rests (sdk::AccessRests); else the message says, for people, why it is not carried.
  absl::StatusOr<std::string> ToXmpp(const v1::Attachment& attachment);
  // Fetches what the user sent from the XMPP side and uploads it for a chat. Returns its id for
  // SendMessage. 'request_id' makes a second try go on with the first. Errors as above; what cannot
  // be fetched is given up after some tries. One thread at a time.
  absl::StatusOr<std::string> ToPostern(const std::string& url, const std::string& chat_id,
                                        const std::string& request_id);
  // A small file whole, for pictures of people: at most 'bytes_max'.
  absl::StatusOr<std::string> Read(const std::string& attachment_id, size_t bytes_max);

 private:
  const Config& config_;
  sdk::Client& client_;
  Component& component_;
  std::string fetching_;  // the request whose file could not be fetched
  int fetches_ = 0;       // and how often
};

// What stands in the chat for a file that is not carried: "[minutes.pdf, 70 kB]".
std::string FileInWords(const v1::Attachment& attachment, const std::string& why);

}  // namespace postern::xmpp_bridge
