// SPDX-License-Identifier: Apache-2.0
#include "clients/crm/tryton.h"

#include <absl/strings/escaping.h>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <curl/curl.h>

#include <utility>

#include "clients/crm/config.h"

namespace postern::crm {
namespace {

using nlohmann::json;

constexpr long kConnectSeconds = 10;
// A server that is busy with a report answers late; one that hangs must not hold the app for ever.
constexpr long kCallSeconds = 60;
// The largest answer is a page of notes.
constexpr size_t kAnswerBytesMax = 16 * 1024 * 1024;

size_t TakeBytes(char* bytes, size_t size, size_t count, void* body) {
  auto& text = *static_cast<std::string*>(body);
  if (text.size() + size * count > kAnswerBytesMax) return 0;
  text.append(bytes, size * count);
  return size * count;
}

int Progress(void* options, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  const auto& stop = static_cast<const TrytonOptions*>(options)->stop;
  return stop && stop() ? 1 : 0;
}

absl::Status Wrong(const TrytonOptions& options, const std::string& what) {
  return absl::FailedPreconditionError(absl::StrCat("Tryton at ", options.url, ": ", what));
}

absl::Status TransportError(const TrytonOptions& options, CURLcode code) {
  switch (code) {
    case CURLE_ABORTED_BY_CALLBACK:
      return absl::CancelledError("stopping");
    case CURLE_PEER_FAILED_VERIFICATION:
      return Wrong(options,
                   "its certificate is not trusted; name the one that vouches for it in "
                   "[tryton] ca_file, or have a proper one made");
    case CURLE_SSL_CACERT_BADFILE:
      return Wrong(options, "[tryton] ca_file cannot be read as PEM");
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT:
      return Wrong(options, "this is no address; correct [tryton] url");
    default:
      return absl::UnavailableError(absl::StrCat("Tryton at ", options.url, " is not reachable (",
                                                 curl_easy_strerror(code),
                                                 "); is trytond running?"));
  }
}

struct FreeList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

}  // namespace

Tryton::Tryton(TrytonOptions options)
    : options_(std::move(options)), curl_(curl_easy_init(), curl_easy_cleanup) {}

Tryton::~Tryton() = default;

absl::StatusOr<Tryton::Answer> Tryton::Post(const std::string& method, const json& arguments) {
  CURL* curl = curl_.get();
  if (curl == nullptr) return absl::ResourceExhaustedError("libcurl has no memory");
  // A password can be anything; one that is not UTF-8 is Tryton's to refuse.
  const std::string body = json{{"id", 1}, {"method", method}, {"params", arguments}}.dump(
      -1, ' ', false, json::error_handler_t::replace);
  std::unique_ptr<curl_slist, FreeList> headers(
      curl_slist_append(nullptr, "Content-Type: application/json"));
  if (!session_.empty()) {
    curl_slist_append(headers.get(), absl::StrCat("Authorization: Session ", session_).c_str());
  }
  Answer answer;
  // The connection stays open from call to call.
  curl_easy_reset(curl);
  curl_easy_setopt(curl, CURLOPT_URL,
                   absl::StrCat(options_.url, absl::EndsWith(options_.url, "/") ? "" : "/",
                                options_.database, "/")
                       .c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body.c_str());
  curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, TakeBytes);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer.body);
  curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, Progress);
  curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &options_);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, kConnectSeconds);
  curl_easy_setopt(curl, CURLOPT_TIMEOUT, kCallSeconds);
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  // What stays on the device does not go through a proxy that the environment names.
  if (IsThisDevice(HostOf(options_.url))) curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
  if (!options_.ca_file.empty()) curl_easy_setopt(curl, CURLOPT_CAINFO, options_.ca_file.c_str());
  if (const CURLcode code = curl_easy_perform(curl); code != CURLE_OK) {
    return TransportError(options_, code);
  }
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer.http_code);
  return answer;
}

absl::StatusOr<json> Tryton::Result(const std::string& method, const Answer& answer) const {
  // 501 is a web server that takes no calls at all: not Tryton.
  if (answer.http_code == 429 || (answer.http_code >= 500 && answer.http_code != 501)) {
    return absl::UnavailableError(absl::StrCat("Tryton at ", options_.url,
                                               " is busy or broken (HTTP ", answer.http_code,
                                               "); its log says why"));
  }
  if (answer.http_code == 403) {
    return absl::PermissionDeniedError(absl::StrCat("Tryton does not let user '", options_.user,
                                                    "' do ", method,
                                                    "; give the user access to parties and notes"));
  }
  const json parsed = json::parse(answer.body, nullptr, false);
  if (answer.http_code != 200 || !parsed.is_object()) {
    return Wrong(options_, absl::StrCat("what answers there (HTTP ", answer.http_code,
                                        ") is not Tryton, or has no database '", options_.database,
                                        "'; correct [tryton] url and database"));
  }
  const json error = parsed.value("error", json());
  if (error.is_null()) return parsed.value("result", json());
  // The first word is a kind of error; the rest can hold what was sent, and stays here.
  const std::string kind =
      error.is_array() && !error.empty() && error[0].is_string() ? error[0].get<std::string>() : "";
  if (absl::StrContains(kind, "put_connection")) {
    // What Debian 13's says also while the database's server is away.
    return absl::UnavailableError(absl::StrCat("Tryton has no database '", options_.database,
                                               "', or cannot reach it; look at [tryton] database "
                                               "and trytond's log"));
  }
  if (absl::StrContains(kind, "doesn't exist")) {
    return Wrong(options_, absl::StrCat("there is no database '", options_.database,
                                        "'; correct [tryton] database"));
  }
  if (absl::StrContains(kind, "party.") || absl::StrContains(kind, "ir.note")) {
    return Wrong(options_, absl::StrCat("database '", options_.database,
                                        "' has no parties; activate Tryton's module 'party'"));
  }
  if (absl::StrContains(kind, "Access")) {
    return absl::PermissionDeniedError(absl::StrCat("Tryton does not let user '", options_.user,
                                                    "' do ", method,
                                                    "; give the user access to parties and notes"));
  }
  // Somebody else changed the same thing at the same moment.
  if (kind == "ConcurrencyException") return absl::UnavailableError("Tryton is busy with the same");
  return absl::AbortedError(absl::StrCat(
      "Tryton refused ", method,
      kind == "UserError" || kind == "UserWarning" ? absl::StrCat(" (", kind, ")") : "",
      "; trytond's log says why"));
}

absl::Status Tryton::LogIn() {
  session_.clear();
  const auto answer = Post("common.db.login",
                           json::array({options_.user, {{"password", options_.password}}, "en"}));
  if (!answer.ok()) return answer.status();
  if (answer->http_code == 401) {
    return absl::UnauthenticatedError(
        absl::StrCat("Tryton at ", options_.url, " refused the login of user '", options_.user,
                     "'; correct [tryton] user and the password's file, then start this again"));
  }
  const auto result = Result("common.db.login", *answer);
  if (!result.ok()) return result.status();
  if (!result->is_array() || result->size() < 2 || !(*result)[0].is_number_integer() ||
      !(*result)[1].is_string()) {
    return Wrong(options_, "it did not answer the login as Tryton does; is it version 6 or later?");
  }
  user_id_ = (*result)[0].get<int64_t>();
  session_ = absl::Base64Escape(
      absl::StrCat(options_.user, ":", user_id_, ":", (*result)[1].get<std::string>()));
  return absl::OkStatus();
}

absl::StatusOr<int64_t> Tryton::UserId() {
  if (session_.empty()) {
    if (const absl::Status status = LogIn(); !status.ok()) return status;
  }
  return user_id_;
}

absl::StatusOr<json> Tryton::Call(const std::string& method, json arguments) {
  arguments.push_back(json::object());
  // Twice: the session may have run out since the last call.
  for (int tries = 0;; ++tries) {
    if (session_.empty()) {
      if (const absl::Status status = LogIn(); !status.ok()) return status;
    }
    const auto answer = Post(method, arguments);
    if (!answer.ok()) return answer.status();
    if (answer->http_code != 401) return Result(method, *answer);
    session_.clear();
    if (tries > 0)
      return absl::UnavailableError("Tryton ends every session at once; its log says why");
  }
}

}  // namespace postern::crm
