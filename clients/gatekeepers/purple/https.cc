// SPDX-License-Identifier: GPL-3.0-or-later
#include "clients/gatekeepers/purple/https.h"

#include <eventloop.h>
#include <glib.h>
#include <sslconn.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <string_view>
#include <utility>

namespace postern::purple {
namespace {

constexpr guint kIdleSeconds = 60;
constexpr size_t kReadBytes = 16 * 1024;
constexpr std::string_view kHeaderEnd = "\r\n\r\n";

// Owns itself from Start to End.
class Exchange {
 public:
  Exchange(HttpsRequest request, std::function<void(std::optional<HttpsResponse>)> done)
      : host_(request.host),
        response_bytes_max_(request.response_bytes_max),
        done_(std::move(done)) {
    // HTTP/1.0: the answer ends with the connection, and comes in one piece.
    out_ = request.method + " " + request.path + " HTTP/1.0\r\nHost: " + request.host + ":" +
           std::to_string(request.port) + "\r\n" + request.headers +
           "Content-Length: " + std::to_string(request.body.size()) + "\r\n\r\n" + request.body;
  }

  void Start(PurpleAccount* account, int port) {
    Touch();
    connection_ = purple_ssl_connect(account, host_.c_str(), port, OnConnected, OnFailed, this);
    if (connection_ == nullptr) End(std::nullopt);
  }

 private:
  static void OnConnected(gpointer data, PurpleSslConnection* connection, PurpleInputCondition) {
    Exchange& self = *static_cast<Exchange*>(data);
    self.connection_ = connection;
    self.writer_ = purple_input_add(connection->fd, PURPLE_INPUT_WRITE, OnWritable, data);
    self.Write();
  }

  static void OnFailed(PurpleSslConnection*, PurpleSslErrorType, gpointer data) {
    Exchange& self = *static_cast<Exchange*>(data);
    self.connection_ = nullptr;  // libpurple frees it
    self.End(std::nullopt);
  }

  static void OnWritable(gpointer data, gint, PurpleInputCondition) {
    static_cast<Exchange*>(data)->Write();
  }

  static void OnReadable(gpointer data, PurpleSslConnection*, PurpleInputCondition) {
    static_cast<Exchange*>(data)->Read();
  }

  static gboolean OnIdle(gpointer data) {
    Exchange& self = *static_cast<Exchange*>(data);
    self.timer_ = 0;
    self.End(std::nullopt);
    return G_SOURCE_REMOVE;
  }

  void Write() {
    while (written_ < out_.size()) {
      errno = 0;
      const auto taken = static_cast<gssize>(
          purple_ssl_write(connection_, out_.data() + written_, out_.size() - written_));
      if (taken < 0 && errno == EAGAIN) return;
      if (taken <= 0) return End(std::nullopt);
      written_ += static_cast<size_t>(taken);
      Touch();
    }
    purple_input_remove(std::exchange(writer_, 0));
    purple_ssl_input_add(connection_, OnReadable, this);
  }

  void Read() {
    std::array<char, kReadBytes> buffer;
    for (;;) {
      errno = 0;
      const auto size =
          static_cast<gssize>(purple_ssl_read(connection_, buffer.data(), buffer.size()));
      if (size < 0 && errno == EAGAIN) return;
      // A server that hangs up without goodbye is told from one that was cut off by the length.
      if (size <= 0) return Finish();
      in_.append(buffer.data(), static_cast<size_t>(size));
      if (in_.size() > response_bytes_max_) return End(std::nullopt);
      Touch();
      if (IsWhole()) return Finish();
    }
  }

  // The announced length of the body; nothing when none was.
  std::optional<size_t> AnnouncedLength(size_t header_end) const {
    constexpr std::string_view kName = "\r\ncontent-length:";
    for (size_t at = 0; at + kName.size() < header_end; ++at) {
      if (g_ascii_strncasecmp(in_.c_str() + at, kName.data(), kName.size()) == 0) {
        return std::strtoul(in_.c_str() + at + kName.size(), nullptr, 10);
      }
    }
    return std::nullopt;
  }

  bool IsWhole() const {
    const size_t header_end = in_.find(kHeaderEnd);
    if (header_end == std::string::npos) return false;
    const std::optional<size_t> length = AnnouncedLength(header_end);
    return length && in_.size() >= header_end + kHeaderEnd.size() + *length;
  }

  void Finish() {
    const size_t header_end = in_.find(kHeaderEnd);
    const size_t space = in_.find(' ');
    if (header_end == std::string::npos || space == std::string::npos) return End(std::nullopt);
    HttpsResponse response;
    response.status = std::atoi(in_.c_str() + space + 1);
    response.body = in_.substr(header_end + kHeaderEnd.size());
    const std::optional<size_t> length = AnnouncedLength(header_end);
    if (length && *length != response.body.size()) return End(std::nullopt);
    End(std::move(response));
  }

  void Touch() {
    if (timer_ != 0) g_source_remove(timer_);
    timer_ = g_timeout_add_seconds(kIdleSeconds, OnIdle, this);
  }

  void End(std::optional<HttpsResponse> response) {
    if (timer_ != 0) g_source_remove(timer_);
    if (writer_ != 0) purple_input_remove(writer_);
    if (connection_ != nullptr) purple_ssl_close(connection_);
    done_(std::move(response));
    delete this;
  }

  const std::string host_;
  const size_t response_bytes_max_;
  const std::function<void(std::optional<HttpsResponse>)> done_;
  PurpleSslConnection* connection_ = nullptr;
  std::string out_;
  size_t written_ = 0;
  std::string in_;
  guint writer_ = 0;
  guint timer_ = 0;
};

}  // namespace

void SendHttps(PurpleAccount* account, HttpsRequest request,
               std::function<void(std::optional<HttpsResponse>)> done) {
  const int port = request.port;
  (new Exchange(std::move(request), std::move(done)))->Start(account, port);
}

}  // namespace postern::purple
