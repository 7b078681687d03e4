// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <memory>
#include <mutex>
#include <string>

#include "clients/translator/engine.h"

namespace postern::translator {

struct LibreTranslateOptions {
  // "https://translate.example", without "/translate".
  std::string url;
  // What the server's owner gave the user, or empty.
  std::string api_key;
  // A file of certificates (PEM) to believe besides, or empty: the system's.
  std::string ca_file;
  absl::Duration timeout = absl::Seconds(20);
};

// The host, and the port where one is named, of a server's address: what the user is told of.
// INVALID_ARGUMENT for what is no address, and for "http://" to another machine, where everybody on
// the way could read along.
absl::StatusOr<std::string> HostOf(const std::string& url);

// A server that speaks LibreTranslate's protocol. Every text goes there.
class LibreTranslate : public Engine {
 public:
  // INVALID_ARGUMENT as HostOf.
  static absl::StatusOr<std::unique_ptr<LibreTranslate>> Make(LibreTranslateOptions options);
  ~LibreTranslate() override;

  absl::StatusOr<std::string> Translate(const std::string& text, const Language& from,
                                        const Language& to) override;
  void Rest() override {}

 private:
  struct Connection;
  LibreTranslate(LibreTranslateOptions options, std::string host);

  const LibreTranslateOptions options_;
  const std::string host_;
  std::mutex mutex_;
  std::unique_ptr<Connection> connection_;  // guarded by mutex_
};

}  // namespace postern::translator
