// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/message_channel.h"

#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/strip.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>

#include "platform/status_macros.h"

namespace postern::platform {
namespace {

constexpr absl::string_view kHeader = "postern 1 ";
constexpr size_t kHeaderBytesMax = 32;
// Well under the smallest send buffer a system may be set to.
constexpr size_t kPacketBytesMax = 32 * 1024;

// Waits until 'channel' is ready for 'events'.
absl::Status WaitFor(int channel, short events, int wake, absl::Time deadline) {
  while (true) {
    const absl::Duration left = deadline - ChannelNow();
    if (left <= absl::ZeroDuration()) return absl::DeadlineExceededError("the other end is silent");
    std::array<pollfd, 2> fds = {pollfd{channel, events, 0}, pollfd{wake, POLLIN, 0}};
    // Rounded up, so that the last round does not spin.
    const int64_t wait_ms =
        std::min<int64_t>(absl::ToInt64Milliseconds(left) + 1, 24 * 3600 * 1000);
    const int ready = ::poll(fds.data(), fds.size(), static_cast<int>(wait_ms));
    if (ready < 0 && errno == EINTR) continue;
    if (ready < 0) return absl::InternalError("poll failed");
    if (fds[0].revents != 0) return absl::OkStatus();
    if (fds[1].revents != 0) return absl::CancelledError("woken");
  }
}

absl::Status SendPacket(int channel, absl::string_view bytes, int attached, int wake,
                        absl::Time deadline) {
  iovec part{const_cast<char*>(bytes.data()), bytes.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  if (attached >= 0) {
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(header), &attached, sizeof(int));
  }
  while (true) {
    RETURN_IF_ERROR(WaitFor(channel, POLLOUT, wake, deadline));
    if (::sendmsg(channel, &message, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0) return absl::OkStatus();
    if (errno == EINTR || errno == EAGAIN) continue;
    return absl::UnavailableError("the other end is closed");
  }
}

// Appends one packet to 'bytes' and takes the descriptor it carries.
absl::Status ReceivePacket(int channel, size_t bytes_max, std::string& bytes, UniqueFd& attached,
                           int wake, absl::Time deadline) {
  // One more than allowed, so that a longer packet is seen and not cut.
  std::string buffer(bytes_max + 1, '\0');
  while (true) {
    RETURN_IF_ERROR(WaitFor(channel, POLLIN, wake, deadline));
    iovec part{buffer.data(), buffer.size()};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const ssize_t size = ::recvmsg(channel, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    if (size < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (size <= 0) return absl::UnavailableError("the other end is closed");
    for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
         header = CMSG_NXTHDR(&message, header)) {
      if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(header), sizeof(int));
      attached.Reset(fd);
    }
    if (static_cast<size_t>(size) > bytes_max) return absl::DataLossError("a packet is too long");
    bytes.append(buffer.data(), static_cast<size_t>(size));
    return absl::OkStatus();
  }
}

}  // namespace

absl::Time ChannelNow() {
  timespec now{};
  ::clock_gettime(CLOCK_BOOTTIME, &now);
  return absl::TimeFromTimespec(now);
}

absl::StatusOr<std::pair<UniqueFd, UniqueFd>> MakeChannel() {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    return absl::ResourceExhaustedError("no socket pair");
  }
  return std::pair<UniqueFd, UniqueFd>(UniqueFd(ends[0]), UniqueFd(ends[1]));
}

absl::Status SendOnChannel(int channel, absl::string_view bytes, int attached, int wake,
                           absl::Duration timeout) {
  if (bytes.empty() || bytes.size() > kChannelMessageBytesMax) {
    return absl::InvalidArgumentError("the message is empty or too long");
  }
  const absl::Time deadline = ChannelNow() + timeout;
  RETURN_IF_ERROR(
      SendPacket(channel, absl::StrCat(kHeader, bytes.size()), attached, wake, deadline));
  while (!bytes.empty()) {
    const absl::string_view packet = bytes.substr(0, kPacketBytesMax);
    RETURN_IF_ERROR(SendPacket(channel, packet, -1, wake, deadline));
    bytes.remove_prefix(packet.size());
  }
  return absl::OkStatus();
}

absl::StatusOr<ChannelMessage> ReceiveFromChannel(int channel, int wake, absl::Duration timeout) {
  const absl::Time deadline = ChannelNow() + timeout;
  ChannelMessage message;
  std::string header;
  RETURN_IF_ERROR(
      ReceivePacket(channel, kHeaderBytesMax, header, message.attached, wake, deadline));
  absl::string_view digits = header;
  size_t size = 0;
  if (!absl::ConsumePrefix(&digits, kHeader) || !absl::SimpleAtoi(digits, &size) || size == 0 ||
      size > kChannelMessageBytesMax) {
    return absl::DataLossError("not a message of this protocol");
  }
  UniqueFd unasked;
  while (message.bytes.size() < size) {
    const size_t packet_max = std::min(kPacketBytesMax, size - message.bytes.size());
    RETURN_IF_ERROR(ReceivePacket(channel, packet_max, message.bytes, unasked, wake, deadline));
  }
  return message;
}

}  // namespace postern::platform
