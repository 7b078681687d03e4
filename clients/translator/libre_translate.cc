// SPDX-License-Identifier: Apache-2.0
#include "clients/translator/libre_translate.h"

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/strip.h>
#include <curl/curl.h>

#include <nlohmann/json.hpp>

namespace postern::translator {
namespace {

// More is no translation of a message.
constexpr size_t kAnswerBytesMax = 1024 * 1024;

struct CurlDeleter {
  void operator()(CURL* handle) const { ::curl_easy_cleanup(handle); }
  void operator()(curl_slist* list) const { ::curl_slist_free_all(list); }
  void operator()(CURLU* url) const { ::curl_url_cleanup(url); }
};
using Easy = std::unique_ptr<CURL, CurlDeleter>;
using Headers = std::unique_ptr<curl_slist, CurlDeleter>;
using Url = std::unique_ptr<CURLU, CurlDeleter>;

std::string PartOf(CURLU* url, CURLUPart part) {
  char* text = nullptr;
  if (::curl_url_get(url, part, &text, 0) != CURLUE_OK) return "";
  std::string result = text;
  ::curl_free(text);
  return result;
}

size_t Take(char* bytes, size_t one, size_t count, void* answer) {
  auto& text = *static_cast<std::string*>(answer);
  if (text.size() + count > kAnswerBytesMax) return 0;
  text.append(bytes, one * count);
  return count;
}

// What went wrong before there was an answer. The next try may do better but for what a person has
// to put right.
absl::Status TransportError(CURLcode code, const std::string& host) {
  switch (code) {
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
      return absl::FailedPreconditionError(
          absl::StrCat("The certificate of ", host,
                       " is not trusted, so nothing was sent to it. If the server is yours, name "
                       "its certificate as `ca_file` under [remote]."));
    case CURLE_WRITE_ERROR:
      return absl::FailedPreconditionError(absl::StrCat(host, " answered with too much."));
    default:
      return absl::UnavailableError(
          absl::StrCat(host, " cannot be reached (", ::curl_easy_strerror(code), ")."));
  }
}

absl::Status HttpError(long code, const std::string& host) {
  if (code == 429 || code >= 500) {
    return absl::UnavailableError(absl::StrCat(host, " is busy or broken (", code, ")."));
  }
  if (code == 401 || code == 403) {
    return absl::FailedPreconditionError(
        absl::StrCat(host, " wants an API key (", code,
                     "): put it into a file and name that as `api_key_file` "
                     "under [remote]."));
  }
  return absl::FailedPreconditionError(
      absl::StrCat(host, " refused (", code, "): is the address that of a LibreTranslate server?"));
}

}  // namespace

struct LibreTranslate::Connection {
  Easy easy;
};

absl::StatusOr<std::string> HostOf(const std::string& url) {
  const Url parsed(::curl_url());
  if (::curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK) {
    return absl::InvalidArgumentError(
        absl::StrCat("“", url, "” is no address; write it as https://translate.example."));
  }
  const std::string scheme = PartOf(parsed.get(), CURLUPART_SCHEME);
  const std::string host = PartOf(parsed.get(), CURLUPART_HOST);
  const bool here = host == "localhost" || host == "127.0.0.1" || host == "[::1]";
  if (scheme != "https" && !(scheme == "http" && here)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "“", url, "” would carry messages for everybody on the way to read; use https://."));
  }
  const std::string port = PartOf(parsed.get(), CURLUPART_PORT);
  return port.empty() ? host : absl::StrCat(host, ":", port);
}

absl::StatusOr<std::unique_ptr<LibreTranslate>> LibreTranslate::Make(
    LibreTranslateOptions options) {
  auto host = HostOf(options.url);
  if (!host.ok()) return host.status();
  return std::unique_ptr<LibreTranslate>(new LibreTranslate(std::move(options), *std::move(host)));
}

LibreTranslate::LibreTranslate(LibreTranslateOptions options, std::string host)
    : options_(std::move(options)),
      host_(std::move(host)),
      connection_(new Connection{Easy(::curl_easy_init())}) {}

LibreTranslate::~LibreTranslate() = default;

absl::StatusOr<std::string> LibreTranslate::Translate(const std::string& text, const Language& from,
                                                      const Language& to) {
  nlohmann::json question = {
      {"q", text}, {"source", from.code}, {"target", to.code}, {"format", "text"}};
  if (!options_.api_key.empty()) question["api_key"] = options_.api_key;
  const std::string body = question.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  const std::string url(absl::StripSuffix(options_.url, "/"));
  const Headers headers(::curl_slist_append(nullptr, "Content-Type: application/json"));
  std::string answer;

  std::lock_guard lock(mutex_);
  CURL* easy = connection_->easy.get();
  // Keeps the connection, forgets the options.
  ::curl_easy_reset(easy);
  ::curl_easy_setopt(easy, CURLOPT_URL, absl::StrCat(url, "/translate").c_str());
  ::curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  // Only to this device (HostOf); through a proxy of the environment it would leave it, in clear.
  if (absl::StartsWithIgnoreCase(url, "http://")) ::curl_easy_setopt(easy, CURLOPT_PROXY, "");
  ::curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  ::curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, absl::ToInt64Milliseconds(options_.timeout));
  ::curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers.get());
  ::curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
  ::curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body.data());
  ::curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &Take);
  ::curl_easy_setopt(easy, CURLOPT_WRITEDATA, &answer);
  if (!options_.ca_file.empty()) {
    ::curl_easy_setopt(easy, CURLOPT_CAINFO, options_.ca_file.c_str());
  }
  if (const CURLcode code = ::curl_easy_perform(easy); code != CURLE_OK) {
    return TransportError(code, host_);
  }
  long code = 0;
  ::curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &code);
  // 400 is what LibreTranslate says to a language that it does not have.
  if (code == 400) {
    return absl::NotFoundError(
        absl::StrCat(host_, " does not translate from ", NameOf(from), " to ", NameOf(to), "."));
  }
  if (code != 200) return HttpError(code, host_);
  const auto parsed = nlohmann::json::parse(answer, nullptr, /*allow_exceptions=*/false);
  const auto found = parsed.is_object() ? parsed.find("translatedText") : parsed.end();
  if (!parsed.is_object() || found == parsed.end() || !found->is_string()) {
    return absl::FailedPreconditionError(absl::StrCat(
        host_, " does not speak LibreTranslate's protocol: check the address under [remote]."));
  }
  return found->get<std::string>();
}

}  // namespace postern::translator
