// SPDX-License-Identifier: Apache-2.0
#include "clients/postern/app.h"

#include <absl/strings/str_cat.h>

#include <chrono>

#include "clients/postern/pick.h"
#include "clients/sdk/stubs.h"
#include "platform/status_macros.h"

namespace postern::cli {
namespace {

// A person waits at the prompt: a broker that is not there by then does not run.
constexpr absl::Duration kReachTimeout = absl::Seconds(2);
constexpr std::chrono::seconds kLookupTimeout{5};
constexpr int kPageSize = 500;
// More pages than this is a broker that never ends its list.
constexpr int kPagesMax = 1000;

template <typename T, typename Fetch>
absl::StatusOr<std::vector<T>> AllPages(Fetch fetch) {
  std::vector<T> all;
  sdk::PageOptions options{.page_size = kPageSize, .page_token = {}};
  for (int page_index = 0; page_index < kPagesMax; ++page_index) {
    ASSIGN_OR_RETURN(sdk::Page<T> page, fetch(options));
    for (T& item : page.items) all.push_back(std::move(item));
    if (page.next_page_token.empty()) break;
    options.page_token = page.next_page_token;
  }
  return all;
}

void TellEnrollment(Context& context, const v1::Manifest& manifest,
                    const v1::EnrollResponse& state) {
  if (context.json) {
    context.err.Line(Json(state));
    return;
  }
  switch (state.state()) {
    case v1::EnrollResponse::STATE_PENDING:
      context.err.Line(absl::StrCat("Waiting: Postern is asking you whether to allow “",
                                    manifest.display_name(), "”."));
      break;
    case v1::EnrollResponse::STATE_DENIED:
      context.err.Line("The answer was no.");
      break;
    case v1::EnrollResponse::STATE_EXPIRED:
      context.err.Line("Nobody answered in time.");
      break;
    default:
      break;
  }
}

}  // namespace

std::string OwnStateDirectory(const owner::Paths& paths) {
  return absl::StrCat(paths.clients_directory, "/", kOwnAppId);
}

v1::Manifest OwnManifest() {
  v1::Manifest manifest;
  manifest.mutable_protocol_version()->set_major(1);
  manifest.set_app_id(kOwnAppId);
  manifest.set_display_name("postern (command line)");
  manifest.set_purpose("Show messages in your terminal, and send what you type there.");
  manifest.set_role(v1::ROLE_APP);
  manifest.add_required_scopes(v1::SCOPE_CHATS_READ);
  manifest.add_required_scopes(v1::SCOPE_MESSAGES_READ);
  manifest.add_optional_scopes(v1::SCOPE_MESSAGES_HISTORY);
  manifest.add_optional_scopes(v1::SCOPE_MESSAGES_SEARCH);
  manifest.add_optional_scopes(v1::SCOPE_ATTACHMENTS_READ);
  manifest.add_optional_scopes(v1::SCOPE_REACTIONS_READ);
  manifest.add_optional_scopes(v1::SCOPE_RECEIPTS_READ);
  manifest.add_optional_scopes(v1::SCOPE_TYPING_READ);
  manifest.add_optional_scopes(v1::SCOPE_CALLS_READ);
  manifest.add_optional_scopes(v1::SCOPE_MESSAGES_DRAFT);
  manifest.add_optional_scopes(v1::SCOPE_MESSAGES_SEND);
  manifest.add_optional_scopes(v1::SCOPE_ATTACHMENTS_WRITE);
  manifest.add_optional_scopes(v1::SCOPE_MESSAGES_EDIT_OWN);
  manifest.add_optional_scopes(v1::SCOPE_MESSAGES_DELETE_OWN);
  manifest.add_optional_scopes(v1::SCOPE_REACTIONS_WRITE);
  manifest.add_optional_scopes(v1::SCOPE_RECEIPTS_WRITE);
  manifest.mutable_data_destination()->set_kind(v1::DataDestination::KIND_STAYS_ON_DEVICE);
  manifest.set_software_version(POSTERN_VERSION);
  return manifest;
}

absl::StatusOr<std::unique_ptr<sdk::Client>> ConnectApp(Context& context) {
  return ConnectApp(context, OwnManifest(), OwnStateDirectory(context.paths));
}

absl::StatusOr<std::unique_ptr<sdk::Client>> ConnectApp(Context& context,
                                                        const v1::Manifest& manifest,
                                                        const std::string& state_directory) {
  RETURN_IF_ERROR(CheckSocketIsThere(context.paths));
  sdk::ClientOptions options;
  options.state_directory = state_directory;
  options.reach_timeout = kReachTimeout;
  options.on_enrollment = [&](const v1::EnrollResponse& state) {
    TellEnrollment(context, manifest, state);
  };
  return sdk::Client::Connect(manifest, std::move(options));
}

absl::StatusOr<std::vector<v1::Chat>> AllChats(sdk::Client& client) {
  return AllPages<v1::Chat>(
      [&](const sdk::PageOptions& options) { return client.ListChats({}, options); });
}

absl::StatusOr<std::vector<v1::Account>> AllAccounts(sdk::Client& client) {
  return AllPages<v1::Account>(
      [&](const sdk::PageOptions& options) { return client.ListAccounts(options); });
}

std::optional<v1::Chat> ChatWithParticipants(sdk::Client& client, const std::string& chat_id) {
  v1::GetChatRequest chat_request;
  chat_request.set_chat_id(chat_id);
  v1::GetChatResponse chat_response;
  grpc::ClientContext chat_context;
  chat_context.set_deadline(std::chrono::system_clock::now() + kLookupTimeout);
  if (!client.stubs().chat->GetChat(&chat_context, chat_request, &chat_response).ok()) {
    return std::nullopt;
  }
  v1::Chat chat = std::move(*chat_response.mutable_chat());
  if (chat.participants().empty()) {
    v1::ListParticipantsRequest request;
    request.set_chat_id(chat_id);
    request.set_page_size(kPageSize);
    v1::ListParticipantsResponse response;
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + kLookupTimeout);
    // The first page names enough people for a line of text; the rest is called by its ids.
    if (client.stubs().chat->ListParticipants(&context, request, &response).ok()) {
      *chat.mutable_participants() = std::move(*response.mutable_participants());
    }
  }
  return chat;
}

absl::StatusOr<v1::Chat> FindChat(sdk::Client& client, const std::string& text) {
  ASSIGN_OR_RETURN(const std::vector<v1::Chat> chats, AllChats(client));
  std::vector<Candidate> candidates;
  for (const v1::Chat& chat : chats) candidates.push_back({chat.id(), {chat.name()}});
  ASSIGN_OR_RETURN(const size_t index, Pick(candidates, text, "chat that this program may see"));
  return chats[index];
}

}  // namespace postern::cli
