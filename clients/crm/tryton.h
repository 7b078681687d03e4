// SPDX-License-Identifier: Apache-2.0
// A session with a Tryton server over JSON-RPC: logs in, calls, logs in again when the session has
// run out. Knows nothing of parties.
#pragma once

#include <absl/status/statusor.h>

#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

namespace postern::crm {

struct TrytonOptions {
  std::string url;
  std::string database;
  std::string user;
  std::string password;
  std::string ca_file;
  // Asked while a call runs; true ends it.
  std::function<bool()> stop;
};

// One thread at a time.
class Tryton {
 public:
  explicit Tryton(TrytonOptions options);
  ~Tryton();
  Tryton(const Tryton&) = delete;
  Tryton& operator=(const Tryton&) = delete;

  // Calls "model.party.party.create" and the like; Tryton's context is added.
  // UNAVAILABLE when trying again can help; UNAUTHENTICATED when the login is refused;
  // PERMISSION_DENIED when the user may not; ABORTED when Tryton refuses this very call;
  // FAILED_PRECONDITION when the address, the database or the certificate is wrong. The message
  // says what to do next, and nothing of what was sent.
  absl::StatusOr<nlohmann::json> Call(const std::string& method, nlohmann::json arguments);
  // The id of the user that is logged in; logs in first when nobody is.
  absl::StatusOr<int64_t> UserId();

 private:
  struct Answer {
    long http_code = 0;
    std::string body;
  };
  absl::Status LogIn();
  absl::StatusOr<Answer> Post(const std::string& method, const nlohmann::json& arguments);
  absl::StatusOr<nlohmann::json> Result(const std::string& method, const Answer& answer) const;

  const TrytonOptions options_;
  const std::unique_ptr<void, void (*)(void*)> curl_;
  std::string session_;  // what the header Authorization says; empty: not logged in
  int64_t user_id_ = 0;
};

}  // namespace postern::crm
