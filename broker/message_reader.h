// SPDX-License-Identifier: Apache-2.0
// What apps read of the past: ListMessages, GetMessage, GetMessageContext, SearchMessages. Decides
// who may ask, counts what was handed over, and says nothing that changed hands meanwhile.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <string>

#include "broker/caller.h"
#include "broker/history.h"
#include "broker/parts.h"
#include "postern/v1/message_service.pb.h"

namespace postern::broker {

struct Asker;
class MessageSearch;

// Thread-safe. Borrows both. Each call fills in 'response'.
class MessageReader {
 public:
  MessageReader(const Parts& parts, MessageSearch& search) : parts_(parts), search_(search) {}

  absl::Status List(const Caller& caller, const v1::ListMessagesRequest& request,
                    v1::ListMessagesResponse& response);
  absl::Status Get(const Caller& caller, const v1::GetMessageRequest& request,
                   v1::GetMessageResponse& response);
  absl::Status Around(const Caller& caller, const v1::GetMessageContextRequest& request,
                      v1::GetMessageContextResponse& response);
  absl::Status Search(const Caller& caller, const v1::SearchMessagesRequest& request,
                      v1::SearchMessagesResponse& response);

 private:
  absl::Status ListNow(const Asker& asker, const v1::ListMessagesRequest& request,
                       v1::ListMessagesResponse& response);
  // The message, and so many before and after it.
  absl::StatusOr<History::Page> AroundNow(const Asker& asker, const std::string& message_id,
                                          int before, int after);
  absl::Status SearchNow(const Asker& asker, const v1::SearchMessagesRequest& request,
                         v1::SearchMessagesResponse& response);
  // RESOURCE_EXHAUSTED LIMIT_EXCEEDED when the app has read its bytes of the day.
  absl::Status CheckReadBudget(const Asker& asker) const;

  const Parts& parts_;
  MessageSearch& search_;
};

}  // namespace postern::broker
