// SPDX-License-Identifier: Apache-2.0
// A subscriber that speaks TLS and HTTP/2 by hand, so that it can do what no gRPC client does: ask
// for the stream, open every window, and then not read a single byte.
#pragma once

#include <absl/time/time.h>
#include <openssl/ssl.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "platform/unique_fd.h"
#include "tests/behaviors/broker_harness.h"

namespace postern::behaviors {

class RawSubscriber {
 public:
  // Connects with the program's key and sends the request. Reads nothing after the TLS handshake.
  RawSubscriber(const BrokerHarness& harness, const Program& program,
                const v1::SubscribeRequest& request);

  // How long it took, from now, until the kernel said that the other side is gone.
  std::optional<absl::Duration> WaitHangUp(absl::Duration timeout);
  // Waits until so much waits unread that the broker's write of a frame, if that is larger than
  // what the kernel takes (208 KiB), waits too. 'call' is a call to the broker: between two looks
  // it had time to write. False when it does not come to that within kPatience.
  bool WaitUntilStuck(const std::function<void()>& call) const;
  // How many bytes wait in the socket, unread.
  int unread_bytes() const;
  // Reads all that was ever written to this stream, until its trailers or the connection's end:
  // the frames. Fails when neither comes.
  std::vector<v1::SubscribeResponse> ReadToEnd();
  // After ReadToEnd: the stream ended in order, with a status.
  bool told() const { return told_; }

 private:
  struct FreeContext {
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  };
  struct FreeSsl {
    void operator()(SSL* ssl) const { SSL_free(ssl); }
  };

  bool told_ = false;
  platform::UniqueFd fd_;
  std::unique_ptr<SSL_CTX, FreeContext> context_;
  std::unique_ptr<SSL, FreeSsl> ssl_;
};

}  // namespace postern::behaviors
