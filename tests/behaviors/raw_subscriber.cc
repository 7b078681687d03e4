// SPDX-License-Identifier: Apache-2.0
#include "tests/behaviors/raw_subscriber.h"

#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>

namespace postern::behaviors {
namespace {

// RFC 9113, sections 4.1 and 6.
enum FrameType : uint8_t { kData = 0, kHeaders = 1, kSettings = 4, kWindowUpdate = 8 };
constexpr uint8_t kEndStream = 1;
constexpr uint8_t kEndHeaders = 4;
constexpr size_t kFrameHeader = 9;

std::string Number(uint64_t value, int bytes) {
  std::string text;
  for (int i = bytes - 1; i >= 0; --i) text += static_cast<char>(value >> (8 * i));
  return text;
}
uint64_t NumberIn(std::string_view text) {
  uint64_t value = 0;
  for (const char c : text) value = value << 8 | static_cast<uint8_t>(c);
  return value;
}

std::string Frame(FrameType type, uint8_t flags, uint32_t stream, const std::string& payload) {
  return Number(payload.size(), 3) + Number(type, 1) + Number(flags, 1) + Number(stream, 4) +
         payload;
}

// A header field as a literal without indexing (RFC 7541, section 6.2.2); short texts only.
std::string Field(const std::string& name, const std::string& value) {
  return '\0' + Number(name.size(), 1) + name + Number(value.size(), 1) + value;
}

std::string RequestBytes(const std::string& message) {
  return "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" +
         // INITIAL_WINDOW_SIZE as large as it goes: the broker is held up by the socket alone.
         Frame(kSettings, 0, 0, Number(4, 2) + Number(0x7FFFFFFF, 4)) +
         Frame(kWindowUpdate, 0, 0, Number(0x7FFF0000 - 65536, 4)) +
         Frame(kHeaders, kEndHeaders, 1,
               Field(":method", "POST") + Field(":scheme", "https") +
                   Field(":path", "/postern.v1.EventService/Subscribe") +
                   Field(":authority", "localhost") + Field("content-type", "application/grpc") +
                   Field("te", "trailers")) +
         Frame(kData, kEndStream, 1, Number(0, 1) + Number(message.size(), 4) + message);
}

}  // namespace

RawSubscriber::RawSubscriber(const BrokerHarness& harness, const Program& program,
                             const v1::SubscribeRequest& request) {
  fd_.Reset(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  harness.socket_path().copy(address.sun_path, sizeof(address.sun_path) - 1);
  EXPECT_EQ(::connect(fd_.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);

  context_.reset(SSL_CTX_new(TLS_client_method()));
  const auto key = program.identity->key_pem.span();
  std::unique_ptr<BIO, decltype(&BIO_free)> key_bio(
      BIO_new_mem_buf(key.data(), static_cast<int>(key.size())), BIO_free);
  std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> private_key(
      PEM_read_bio_PrivateKey(key_bio.get(), nullptr, nullptr, nullptr), EVP_PKEY_free);
  const std::string& pem = program.identity->certificate_pem;
  std::unique_ptr<BIO, decltype(&BIO_free)> certificate_bio(
      BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), BIO_free);
  std::unique_ptr<X509, decltype(&X509_free)> certificate(
      PEM_read_bio_X509(certificate_bio.get(), nullptr, nullptr, nullptr), X509_free);
  EXPECT_EQ(SSL_CTX_use_PrivateKey(context_.get(), private_key.get()), 1);
  EXPECT_EQ(SSL_CTX_use_certificate(context_.get(), certificate.get()), 1);
  static constexpr unsigned char kAlpn[] = {2, 'h', '2'};
  EXPECT_EQ(SSL_CTX_set_alpn_protos(context_.get(), kAlpn, sizeof(kAlpn)), 0);

  ssl_.reset(SSL_new(context_.get()));
  SSL_set_fd(ssl_.get(), fd_.get());
  EXPECT_EQ(SSL_connect(ssl_.get()), 1);
  const std::string bytes = RequestBytes(request.SerializeAsString());
  EXPECT_EQ(SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size())),
            static_cast<int>(bytes.size()));
}

std::optional<absl::Duration> RawSubscriber::WaitHangUp(absl::Duration timeout) {
  const auto start = Steady::now();
  // POLLHUP is told whether it is asked for or not, also while bytes wait to be read.
  pollfd poll_fd{fd_.get(), 0, 0};
  if (::poll(&poll_fd, 1, static_cast<int>(absl::ToInt64Milliseconds(timeout))) <= 0) {
    return std::nullopt;
  }
  return absl::FromChrono(Steady::now() - start);
}

bool RawSubscriber::WaitUntilStuck(const std::function<void()>& call) const {
  // Of the kernel's part and the windows of HTTP/2.
  constexpr int kStuckBytes = 96 * 1024;
  const auto deadline = Steady::now() + absl::ToChronoNanoseconds(kPatience);
  while (unread_bytes() < kStuckBytes && Steady::now() < deadline) call();
  return unread_bytes() >= kStuckBytes;
}

int RawSubscriber::unread_bytes() const {
  int bytes = 0;
  ::ioctl(fd_.get(), FIONREAD, &bytes);
  return bytes;
}

std::vector<v1::SubscribeResponse> RawSubscriber::ReadToEnd() {
  const timeval patience = absl::ToTimeval(kPatience);
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  std::string bytes;
  std::string data;
  char buffer[16384];
  // Whole frames are taken out of 'bytes' as they come: after the stream's trailers the connection
  // may stay.
  while (!told_) {
    const int got = SSL_read(ssl_.get(), buffer, sizeof(buffer));
    if (got <= 0) {
      EXPECT_NE(SSL_get_error(ssl_.get(), got), SSL_ERROR_WANT_READ) << "the stream goes on";
      break;
    }
    bytes.append(buffer, static_cast<size_t>(got));
    size_t at = 0;
    while (at + kFrameHeader <= bytes.size()) {
      const std::string_view header = std::string_view(bytes).substr(at, kFrameHeader);
      const size_t size = NumberIn(header.substr(0, 3));
      if (at + kFrameHeader + size > bytes.size()) break;
      if (header[3] == kData) data += bytes.substr(at + kFrameHeader, size);
      if (header[3] == kHeaders && (header[4] & kEndStream) != 0) told_ = true;
      at += kFrameHeader + size;
    }
    bytes.erase(0, at);
  }
  // The last frame may be cut: what was written of it counts.
  if (bytes.size() > kFrameHeader && bytes[3] == kData) data += bytes.substr(kFrameHeader);
  std::vector<v1::SubscribeResponse> frames;
  for (size_t at = 0; at + 5 <= data.size();) {
    const size_t size = NumberIn(std::string_view(data).substr(at + 1, 4));
    v1::SubscribeResponse response;
    // A cut message is read as far as it goes: protobuf fills in what it has seen before it fails.
    if (!response.ParseFromString(data.substr(at + 5, size))) {
      EXPECT_GT(at + 5 + size, data.size()) << "a whole message that is no SubscribeResponse";
    }
    frames.push_back(std::move(response));
    at += 5 + size;
  }
  return frames;
}

}  // namespace postern::behaviors
