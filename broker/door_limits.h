// SPDX-License-Identifier: Apache-2.0
// The hard maxima of the door. Everything that a stranger can make grow is bounded here.
#pragma once

#include <absl/time/time.h>

#include <cstddef>

namespace postern::broker {

// Each connection holds three descriptors: gRPC's, our duplicate, and the peer's pidfd.
inline constexpr int kDescriptorsPerConnection = 3;
// What the rest of the daemon needs: the log and its WAL, the session bus, epoll, standard streams.
inline constexpr int kDescriptorsReserved = 20;

struct DoorLimits {
  // A slot costs about a millisecond of start and 30 kB. The process's descriptor limit can lower
  // it.
  int connections_max = 32;
  // One app may not take the others' slots. An app needs one; eight leave room for its processes.
  int connections_per_principal_max = 8;
  // Keys that the user never allowed share this part of the connections, however many keys they
  // make.
  int unknown_connections_divisor = 4;
  // A handshake takes milliseconds; gRPC's own bound would be two minutes.
  absl::Duration handshake_time = absl::Seconds(5);
  // Calls at once. Each takes a thread for as long as it runs, so they are bounded for each key; an
  // unknown key has nothing to do but one Enroll, and a second one to try again.
  int calls_per_principal_max = 64;
  int calls_per_unknown_key_max = 4;
};

// A program that opens more calls than this on one connection has lost count of them.
inline constexpr int kStreamsPerConnectionMax = 32;
// Apps send text and attachment chunks; adapters send batches of events.
inline constexpr size_t kAppRequestBytesMax = size_t{1} << 20;
inline constexpr size_t kRequestBytesMax = size_t{4} << 20;
// No client of ours sends more than a few hundred bytes of metadata.
inline constexpr int kMetadataBytesMax = 16 * 1024;
inline constexpr int kHttp2FrameBytesMax = 256 * 1024;
// Pings keep nothing alive on a local socket: who sends them more often is closed at the third.
inline constexpr absl::Duration kPingIntervalMin = absl::Seconds(60);
inline constexpr int kPingStrikesMax = 2;
inline constexpr absl::Duration kIdleTimeMax = absl::Minutes(30);
inline constexpr size_t kGrpcMemoryBytesMax = size_t{128} << 20;
// All calls of all callers. Above it gRPC answers RESOURCE_EXHAUSTED by itself.
inline constexpr int kThreadsMax = 512;
// A certificate in PEM: P-256 makes about 600 bytes.
inline constexpr size_t kCertificatePemBytesMax = 12 * 1024;

}  // namespace postern::broker
