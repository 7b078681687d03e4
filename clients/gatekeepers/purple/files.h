// SPDX-License-Identifier: GPL-3.0-or-later
// Files of messages: fetched from where their link points and decrypted, or encrypted and put where
// the server keeps files (XEP-0363). A file is held whole, in memory and never on disk: only its
// end proves that it is true, and nothing of it is passed on before.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "clients/gatekeepers/purple/outlet.h"
#include "clients/gatekeepers/purple/parts.h"
#include "clients/gatekeepers/purple/services.h"
#include "postern/v1/gatekeeper_service.pb.h"

namespace postern::purple {

class Files {
 public:
  // All must outlive it.
  Files(const Parts& parts, Outlet& outlet, Services& services)
      : parts_(parts), outlet_(outlet), services_(services) {}

  void Download(const std::string& command_id, const v1::DownloadCommand& command);
  // Its bytes follow by TakeChunk.
  void Upload(const std::string& command_id, const v1::UploadCommand& command);
  void TakeChunk(const v1::AttachmentChunk& chunk);

  // The outlet would take more of a download.
  void RoomAgain(const std::string& command_id);
  // Nobody wants the rest of it.
  void TransferEnded(const std::string& command_id);

 private:
  struct Outgoing {
    std::string bytes;
    uint64_t offset = 0;
  };
  struct Incoming {
    std::string chat_jid;
    v1::Attachment attachment;
    std::string bytes;
  };

  void Pump(const std::string& command_id);
  void Put(const std::string& command_id, const Incoming& file);

  Parts parts_;
  Outlet& outlet_;
  Services& services_;
  std::map<std::string, Outgoing> downloads_;  // by command
  std::map<std::string, Incoming> uploads_;    // by command
  // Gone with this object: what comes back later then has nobody to tell.
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace postern::purple
