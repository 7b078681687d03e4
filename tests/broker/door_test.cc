// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <sys/wait.h>

#include <thread>

#include "broker/connection_table.h"
#include "tests/broker/door_fixture.h"

namespace postern::broker {
namespace {

using testing::Contains;
using testing::Each;

// Bytes read until the other side closes. Waits on the socket, not on a time.
ssize_t BytesUntilEnd(int fd) {
  ssize_t total = 0;
  char buffer[4096];
  for (;;) {
    const ssize_t count = read(fd, buffer, sizeof(buffer));
    if (count <= 0) return total;
    total += count;
  }
}

// A key and its self-signed certificate of a kind that is not ours.
std::pair<std::string, std::string> ForeignIdentity(EVP_PKEY* key) {
  X509* certificate = X509_new();
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
  X509_set_pubkey(certificate, key);
  X509_sign(certificate, key, EVP_sha256());
  BIO* key_bio = BIO_new(BIO_s_mem());
  BIO* certificate_bio = BIO_new(BIO_s_mem());
  PEM_write_bio_PrivateKey(key_bio, key, nullptr, nullptr, 0, nullptr, nullptr);
  PEM_write_bio_X509(certificate_bio, certificate);
  const auto text = [](BIO* bio) {
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio, &data);
    return std::string(data, static_cast<size_t>(size));
  };
  auto pair = std::make_pair(text(key_bio), text(certificate_bio));
  BIO_free(key_bio);
  BIO_free(certificate_bio);
  X509_free(certificate);
  EVP_PKEY_free(key);
  return pair;
}

// What OpenSSL says of a handshake with these bounds: the protocol's name, or "" when it is
// refused.
struct RawTls {
  std::string protocol;
  bool reused = false;
  std::unique_ptr<SSL_SESSION, decltype(&SSL_SESSION_free)> session{nullptr, SSL_SESSION_free};
};
RawTls Handshake(int fd, const platform::TlsIdentity& identity, int version_max,
                 SSL_SESSION* session = nullptr) {
  // OpenSSL writes without MSG_NOSIGNAL, to a socket that the Door may have closed.
  signal(SIGPIPE, SIG_IGN);
  SSL_CTX* context = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_max_proto_version(context, version_max);
  const std::string key = KeyText(identity);
  BIO* bio = BIO_new_mem_buf(key.data(), static_cast<int>(key.size()));
  EVP_PKEY* parsed_key = PEM_read_bio_PrivateKey(bio, nullptr, nullptr, nullptr);
  BIO_free(bio);
  bio = BIO_new_mem_buf(identity.certificate_pem.data(),
                        static_cast<int>(identity.certificate_pem.size()));
  X509* certificate = PEM_read_bio_X509(bio, nullptr, nullptr, nullptr);
  BIO_free(bio);
  SSL_CTX_use_certificate(context, certificate);
  SSL_CTX_use_PrivateKey(context, parsed_key);
  X509_free(certificate);
  EVP_PKEY_free(parsed_key);
  SSL* ssl = SSL_new(context);
  const unsigned char alpn[] = "\x02h2";
  SSL_set_alpn_protos(ssl, alpn, 3);
  SSL_set_fd(ssl, fd);
  if (session != nullptr) SSL_set_session(ssl, session);
  RawTls result;
  if (SSL_connect(ssl) == 1) {
    result.protocol = SSL_get_version(ssl);
    result.reused = SSL_session_reused(ssl) == 1;
    // The server's first bytes bring its session tickets, if it gives any.
    char buffer[256];
    if (SSL_read(ssl, buffer, sizeof(buffer)) > 0) result.session.reset(SSL_get1_session(ssl));
  }
  SSL_free(ssl);
  SSL_CTX_free(context);
  return result;
}

TEST_F(DoorTest, RefusesAClientWithoutCertificate) {
  Open();
  EXPECT_EQ(GetSelf(Connect("", "")).error_code(), grpc::StatusCode::UNAVAILABLE);
  AwaitRefusals(1);
  EXPECT_THAT(refusals(), Contains(Door::Refusal::kHandshake));
}

TEST_F(DoorTest, RefusesKeysThatAreNotP256) {
  Open();
  const auto [rsa_key, rsa_certificate] = ForeignIdentity(EVP_RSA_gen(2048));
  EXPECT_EQ(GetSelf(Connect(rsa_key, rsa_certificate)).error_code(), grpc::StatusCode::UNAVAILABLE);
  const auto [p384_key, p384_certificate] = ForeignIdentity(EVP_EC_gen("P-384"));
  EXPECT_EQ(GetSelf(Connect(p384_key, p384_certificate)).error_code(),
            grpc::StatusCode::UNAVAILABLE);
  EXPECT_THAT(refusals(), Contains(Door::Refusal::kCertificate).Times(testing::Ge(2)));
}

TEST_F(DoorTest, RefusesTls12) {
  Open();
  const auto app = Enrolled(Standing::kApp);
  const auto old_one = RawConnect();
  EXPECT_EQ(Handshake(old_one.get(), app, TLS1_2_VERSION).protocol, "");
  const auto new_one = RawConnect();
  EXPECT_EQ(Handshake(new_one.get(), app, TLS1_3_VERSION).protocol, "TLSv1.3");
}

TEST_F(DoorTest, ResumesNoSession) {
  DoorLimits one_slot;  // each slot has its own tickets, so the same slot must serve both
  one_slot.connections_max = 1;
  Open(one_slot);
  const auto app = Enrolled(Standing::kApp);
  auto first_fd = RawConnect();
  const RawTls first = Handshake(first_fd.get(), app, TLS1_3_VERSION);
  ASSERT_EQ(first.protocol, "TLSv1.3");
  first_fd.Reset();
  AwaitClosed(1);
  auto second_fd = RawConnect();
  const RawTls second = Handshake(second_fd.get(), app, TLS1_3_VERSION, first.session.get());
  EXPECT_EQ(second.protocol, "TLSv1.3");
  EXPECT_FALSE(second.reused);
}

// Runs as nobody and counts the bytes that the socket gives; 200 when it cannot even connect.
int BytesForNobody(const std::string& path) {
  const pid_t child = fork();
  if (child == 0) {
    if (setresgid(65534, 65534, 65534) != 0 || setresuid(65534, 65534, 65534) != 0) _exit(201);
    const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof(address.sun_path) - 1);
    if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) _exit(200);
    char byte = 0;
    _exit(read(fd, &byte, 1) == 1 ? 1 : 0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WEXITSTATUS(status);
}

TEST_F(DoorTest, AnotherUserGetsNoByte) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root to become another user";
  Open();
  EXPECT_EQ(BytesForNobody(path()), 200) << "the directory and the socket keep others out";
  ASSERT_EQ(chmod(directory_.c_str(), 0755), 0);
  EXPECT_EQ(BytesForNobody(path()), 200) << "the socket alone keeps others out";
  ASSERT_EQ(chmod(path().c_str(), 0777), 0);
  EXPECT_EQ(BytesForNobody(path()), 0);
  // By a descriptor that was passed to it, with the directory closed again.
  ASSERT_EQ(chmod(directory_.c_str(), 0700), 0);
  const platform::UniqueFd passed(open(path().c_str(), O_PATH));
  EXPECT_EQ(BytesForNobody("/proc/self/fd/" + std::to_string(passed.get())), 0);
  AwaitRefusals(2);
  EXPECT_THAT(refusals(), Each(Door::Refusal::kOtherUser));
  EXPECT_THAT(refused_uids(), Each(65534u));
  EXPECT_EQ(door_->counts().accepted_total, 0u);
}

TEST_F(DoorTest, ClosesWhoSaysNothing) {
  DoorLimits limits;
  limits.handshake_time = absl::Milliseconds(200);
  Open(limits);
  const auto silent = RawConnect();
  const auto half = RawConnect();
  ASSERT_EQ(write(half.get(), "\x16\x03\x01", 3), 3);
  EXPECT_EQ(BytesUntilEnd(silent.get()), 0);
  BytesUntilEnd(half.get());
  AwaitRefusals(2);
  EXPECT_THAT(refusals(), Each(Door::Refusal::kHandshake));
  EXPECT_EQ(door_->counts().connections, 0);
}

TEST_F(DoorTest, SilentConnectionsDoNotLockAnAppOut) {
  DoorLimits limits;
  limits.connections_max = 4;
  limits.handshake_time = absl::Hours(1);
  Open(limits);
  std::vector<platform::UniqueFd> silent;
  for (int i = 0; i < 16; ++i) silent.push_back(RawConnect());
  const auto app = Enrolled(Standing::kApp);
  EXPECT_TRUE(GetSelf(Connect(app)).ok());
}

TEST_F(DoorTest, TurnsAwayWhatIsOverTheLimitAndServesAgainLater) {
  DoorLimits limits;
  limits.connections_max = 2;
  Open(limits);
  const auto app = Enrolled(Standing::kApp);
  auto first = Connect(app);
  auto second = Connect(app);
  ASSERT_TRUE(GetSelf(first).ok());
  ASSERT_TRUE(GetSelf(second).ok());
  const auto over = RawConnect();
  EXPECT_EQ(BytesUntilEnd(over.get()), 0);
  EXPECT_THAT(refusals(), Contains(Door::Refusal::kNoSlot));
  first.reset();
  AwaitClosed(1);
  EXPECT_TRUE(GetSelf(Connect(app)).ok());
}

TEST_F(DoorTest, OneKeyDoesNotTakeAllSlots) {
  Open();
  const auto app = Enrolled(Standing::kApp);
  std::vector<std::shared_ptr<grpc::Channel>> channels;
  for (int i = 0; i < 8; ++i) {
    channels.push_back(Connect(app));
    ASSERT_TRUE(GetSelf(channels.back()).ok());
  }
  EXPECT_FALSE(GetSelf(Connect(app)).ok());
  EXPECT_THAT(refusals(), Contains(Door::Refusal::kTooManyOfKey));
  EXPECT_TRUE(GetSelf(Connect(Enrolled(Standing::kApp))).ok());
}

TEST_F(DoorTest, UnknownKeysShareAQuarter) {
  DoorLimits limits;
  limits.connections_max = 8;
  Open(limits);
  std::vector<std::shared_ptr<grpc::Channel>> channels;
  for (int i = 0; i < 2; ++i) {
    channels.push_back(Connect(MakeIdentity()));
    ASSERT_EQ(GetSelf(channels.back()).error_code(), grpc::StatusCode::UNAUTHENTICATED);
  }
  EXPECT_EQ(GetSelf(Connect(MakeIdentity())).error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_THAT(refusals(), Contains(Door::Refusal::kTooManyUnknown));
  EXPECT_TRUE(GetSelf(Connect(Enrolled(Standing::kApp))).ok());
}

TEST_F(DoorTest, EachKeyIsItself) {
  Open();
  const auto one = Enrolled(Standing::kApp);
  const auto two = Enrolled(Standing::kApp);
  v1::GetSelfResponse answer;
  ASSERT_TRUE(GetSelf(Connect(one), &answer).ok());
  EXPECT_EQ(answer.principal(), PrincipalOf(one).ToHex());
  ASSERT_TRUE(GetSelf(Connect(two), &answer).ok());
  EXPECT_EQ(answer.principal(), PrincipalOf(two).ToHex());
}

// The calls of one connection come at once, on connections that come and go in the same slots.
TEST_F(DoorTest, EveryCallIsOfItsOwnConnection) {
  Open();
  constexpr int kClients = 20;
  constexpr int kRounds = 10;
  constexpr int kCallsAtOnce = 4;
  std::vector<platform::TlsIdentity> apps;
  for (int i = 0; i < kClients; ++i) apps.push_back(Enrolled(Standing::kApp));
  std::atomic<int> wrong = 0;
  std::atomic<int> failed = 0;
  std::vector<std::thread> clients;
  for (int i = 0; i < kClients; ++i) {
    clients.emplace_back([&, i] {
      const std::string key = PrincipalOf(apps[static_cast<size_t>(i)]).ToHex();
      for (int round = 0; round < kRounds; ++round) {
        const auto channel = Connect(apps[static_cast<size_t>(i)]);
        std::vector<std::string> connections(kCallsAtOnce);
        std::vector<std::thread> calls;
        for (auto& connection : connections) {
          calls.emplace_back([&] {
            v1::GetSelfResponse answer;
            const grpc::Status status = GetSelf(channel, &answer);
            if (!status.ok()) ++failed;
            if (status.ok() && answer.principal() != key) ++wrong;
            connection = answer.display_name();
          });
        }
        for (auto& call : calls) call.join();
        for (const auto& connection : connections) {
          if (connection != connections.front()) ++wrong;
        }
      }
    });
  }
  for (auto& client : clients) client.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(failed, 0);
}

// One of the processes that the next test starts: calls, and says whether the answer names it.
TEST(DoorClientProcess, DISABLED_CallsOnce) {
  const char* directory = getenv("DOOR_TEST_DIRECTORY");
  const char* name = getenv("DOOR_TEST_NAME");
  ASSERT_TRUE(directory != nullptr && name != nullptr);
  const auto text = [&](const std::string& file) {
    std::ifstream in(std::string(directory) + "/" + file);
    return std::string(std::istreambuf_iterator<char>(in), {});
  };
  grpc::SslCredentialsOptions options;
  options.pem_root_certs = text("broker.pem");
  options.pem_private_key = text(std::string(name) + ".key");
  options.pem_cert_chain = text(std::string(name) + ".pem");
  const auto channel = grpc::CreateChannel("unix:" + std::string(directory) + "/postern.sock",
                                           grpc::SslCredentials(options));
  const auto stub = v1::GrantService::NewStub(channel);
  for (int i = 0; i < 20; ++i) {
    grpc::ClientContext context;
    v1::GetSelfResponse answer;
    const grpc::Status status = stub->GetSelf(&context, {}, &answer);
    ASSERT_TRUE(status.ok()) << status.error_message();
    std::istringstream words(answer.display_name());
    int pid = 0;
    int pidfd_pid = 0;
    words >> pid >> pidfd_pid;
    ASSERT_EQ(pid, getpid());
    ASSERT_EQ(pidfd_pid, getpid());
  }
}

TEST_F(DoorTest, ThePidfdIsOfTheProcessThatCalls) {
  Open();
  std::ofstream(directory_ + "/broker.pem") << identity_.certificate_pem;
  std::vector<pid_t> children;
  for (int i = 0; i < 12; ++i) {
    // Two processes share a key: the key is the same, the process is not.
    const std::string name = std::to_string(i / 2);
    if (i % 2 == 0) {
      const auto app = Enrolled(Standing::kApp);
      std::ofstream(directory_ + "/" + name + ".key") << KeyText(app);
      std::ofstream(directory_ + "/" + name + ".pem") << app.certificate_pem;
    }
    std::vector<std::string> environment = {"DOOR_TEST_DIRECTORY=" + directory_,
                                            "DOOR_TEST_NAME=" + name};
    char* const arguments[] = {const_cast<char*>("door_client"),
                               const_cast<char*>("--gtest_filter=DoorClientProcess.*"),
                               const_cast<char*>("--gtest_also_run_disabled_tests"), nullptr};
    char* const variables[] = {environment[0].data(), environment[1].data(), nullptr};
    const pid_t child = fork();
    if (child == 0) {
      dup2(open("/dev/null", O_WRONLY), STDOUT_FILENO);
      execve("/proc/self/exe", arguments, variables);
      _exit(127);
    }
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status = -1;
    waitpid(child, &status, 0);
    EXPECT_EQ(status, 0);
  }
}

TEST_F(DoorTest, CloseConnectionsEndsAStalledStream) {
  Open();
  const auto app = Enrolled(Standing::kApp);
  const auto other = Enrolled(Standing::kApp);
  const auto channel = Connect(app);
  const auto other_channel = Connect(other);
  ASSERT_TRUE(GetSelf(other_channel).ok());
  grpc::ClientContext context;
  const auto reader = v1::EventService::NewStub(channel)->Subscribe(&context, {});
  v1::SubscribeResponse response;
  ASSERT_TRUE(reader->Read(&response));
  // Nothing is read from here on: the writer stalls.
  EXPECT_EQ(door_->CloseConnections(PrincipalOf(app)), 1);
  const auto start = std::chrono::steady_clock::now();
  AwaitClosed(1);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(1));
  while (reader->Read(&response)) {
  }
  EXPECT_FALSE(reader->Finish().ok());
  EXPECT_TRUE(GetSelf(other_channel).ok()) << "others go on";
}

TEST_F(DoorTest, WhoProvesNoKeyAndHangsUpWakesNobody) {
  Open();
  constexpr size_t kTimes = 50;
  for (size_t i = 1; i <= kTimes; ++i) {
    RawConnect();
    AwaitRefusals(i);
  }
  EXPECT_EQ(closing_, 0);
}

TEST(ConnectionTable, OnlyWhatHasProvenAKeyMayHaveCallsThatWait) {
  DoorLimits limits;
  ConnectionTable table(2, limits, [](const permissions::Principal&) { return Standing::kApp; });
  std::vector<platform::UniqueFd> sockets;
  const auto take = [&] {
    int pair[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    for (const int fd : pair) sockets.emplace_back(fd);
    return *table.Take({}, platform::UniqueFd(dup(pair[0])), pair[0], {});
  };
  const auto unproven = take();
  const auto proven = take();
  EXPECT_FALSE(table.Prove(proven.slot, PrincipalOf(MakeIdentity())).has_value());
  table.HangUp(unproven.connection);
  EXPECT_TRUE(table.has_closing());
  EXPECT_FALSE(table.has_proven_closing());
  table.HangUp(proven.connection);
  EXPECT_TRUE(table.has_proven_closing());
  // As gRPC closes its descriptor when the last call is over.
  sockets.clear();
  EXPECT_EQ(table.Reap().size(), 2u);
  EXPECT_FALSE(table.has_closing());
}

TEST_F(DoorTest, CountersReturnToZero) {
  Open();
  {
    std::vector<std::shared_ptr<grpc::Channel>> channels;
    for (int i = 0; i < 5; ++i) {
      channels.push_back(Connect(Enrolled(Standing::kApp)));
      ASSERT_TRUE(GetSelf(channels.back()).ok());
    }
    // Comes and goes without a handshake.
    RawConnect();
    AwaitRefusals(1);
    EXPECT_EQ(door_->counts().connections, 5);
  }
  AwaitClosed(5);
  const Door::Counts counts = door_->counts();
  EXPECT_EQ(counts.connections, 0);
  EXPECT_EQ(counts.handshaking, 0);
  EXPECT_EQ(counts.closing, 0);
  EXPECT_EQ(counts.accepted_total, 6u);
}

TEST_F(DoorTest, TakesAnInheritedSocketAndRefusesASecondDoor) {
  Open();
  Door::Options second;
  second.socket_path = path();
  second.identity = MakeIdentity(true);
  second.standing_of = [](const permissions::Principal&) { return Standing::kUnknown; };
  EXPECT_EQ(Door::Open(std::move(second)).status().code(), absl::StatusCode::kAlreadyExists);

  platform::UniqueFd inherited(socket(AF_UNIX, SOCK_STREAM, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  (directory_ + "/inherited").copy(address.sun_path, sizeof(address.sun_path) - 1);
  ASSERT_EQ(bind(inherited.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  ASSERT_EQ(listen(inherited.get(), 1), 0);
  Door::Options options;
  options.listener = std::move(inherited);
  options.identity = MakeIdentity(true);
  options.standing_of = [](const permissions::Principal&) { return Standing::kUnknown; };
  EXPECT_TRUE(Door::Open(std::move(options)).ok());
}

}  // namespace
}  // namespace postern::broker
