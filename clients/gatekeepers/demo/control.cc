// SPDX-License-Identifier: Apache-2.0
#include "clients/gatekeepers/demo/control.h"

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/time/clock.h>
#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "clients/gatekeepers/demo/alice_chat.h"
#include "platform/status_macros.h"

namespace postern::demo {
namespace {

using Json = nlohmann::ordered_json;

std::string Text(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Json Failure(absl::string_view why) { return {{"failed", std::string(why)}}; }

// The contract's own words for what is shown.
Json Shown(const google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  std::string text;
  if (!google::protobuf::util::MessageToJsonString(message, &text, options).ok()) return {};
  return Json::parse(text, nullptr, false);
}

std::string StringIn(const Json& json, const char* name) {
  const auto found = json.find(name);
  return found != json.end() && found->is_string() ? found->get<std::string>() : "";
}

Json Look(const World& world, const Json& at) {
  Json seen = Json::object();
  if (const std::string contact = StringIn(at, "contact_id"); !contact.empty()) {
    if (const auto found = world.FindContact(contact)) seen["contact"] = Shown(*found);
  }
  const std::string chat = StringIn(at, "chat_id");
  const auto view = world.ViewOf(chat);
  if (!view.has_value()) return seen;
  seen["chat"] = Shown(view->chat);
  seen["typing"] = view->typing;
  seen["read_through_message_id"] = view->read_through;
  seen["request"] = v1::MessageRequest::State_Name(view->request.state());
  seen["drafts"] = Json::array();
  for (const Draft& draft : view->drafts) {
    seen["drafts"].push_back({{"draft_id", draft.id},
                              {"text", draft.text},
                              {"reply_to_message_id", draft.reply_to},
                              {"app_display_name", draft.app}});
  }
  const std::string message = StringIn(at, "message_id");
  auto found = view->messages.find(message);
  if (const std::string text = StringIn(at, "text"); message.empty() && !text.empty()) {
    // Under what an app has sent stand the words that the broker names.
    found = std::find_if(view->messages.begin(), view->messages.end(), [&](const auto& entry) {
      return absl::StartsWith(absl::StrCat(entry.second.text(), "\n"), text + "\n");
    });
  }
  if (found != view->messages.end()) {
    seen["message"] = Shown(found->second);
    seen["receipts"] = Json::object();
    if (const auto receipts = view->receipts.find(found->first); receipts != view->receipts.end()) {
      for (const auto& [contact, kind] : receipts->second) {
        seen["receipts"][contact] = v1::Receipt::Kind_Name(kind);
      }
    }
  }
  return seen;
}

}  // namespace

std::string EventText(const v1::Event& event) { return Text(Shown(event)); }

Control::Control(const Script& script, World& world, Files& files, absl::Time start,
                 std::function<absl::Status(const v1::Event&)> tell)
    : script_(script), world_(world), files_(files), start_(start), tell_(std::move(tell)) {}

// Who plays which part: the first 1:1 chat and its person; the first group, another member of it,
// and somebody who is neither in it nor in a 1:1 chat.
std::string Control::Hello() const {
  Json names = {{"account", script_.account.id()}, {"self", kSelf}};
  std::set<std::string> taken = {kSelf};
  v1::Chat group;
  for (const Step& step : script_.setup) {
    const v1::Chat& chat = step.event.chat_created().chat();
    if (chat.kind() == v1::CHAT_KIND_DIRECT) {
      taken.insert(chat.peer_contact_id());
      if (!names.contains("direct")) {
        names["direct"] = chat.id();
        names["peer"] = chat.peer_contact_id();
      }
    } else if (chat.kind() == v1::CHAT_KIND_GROUP && group.id().empty()) {
      group = chat;
    }
  }
  if (!group.id().empty()) names["group"] = group.id();
  for (const v1::Participant& participant : group.participants()) {
    if (taken.insert(participant.contact_id()).second && !names.contains("member")) {
      names["member"] = participant.contact_id();
    }
  }
  for (const auto& [person, name] : script_.people) {
    if (!taken.contains(person) && !names.contains("newcomer")) names["newcomer"] = person;
  }
  // The newest of the older messages is the last: the oldest is first.
  for (const Step& step : script_.history) {
    if (!step.event.has_message_created() || !names.contains("direct") ||
        step.event.chat_id() != names["direct"].get<std::string>()) {
      continue;
    }
    const v1::Message& message = step.event.message_created().message();
    names["oldtext"] = message.text();
    names["oldsender"] = message.sender_contact_id();
    names["oldtime"] = absl::StrCat(absl::ToUnixSeconds(start_ - step.delay));
  }
  return Text({{"names", std::move(names)}});
}

std::string Control::Handle(const std::string& line) {
  const Json request = Json::parse(line, nullptr, false);
  if (!request.is_object()) return Text(Failure("a request is one JSON object a line"));
  if (request.contains("hello")) return Hello();
  if (request.contains("look")) {
    return Text({{"seen", Look(world_, request["look"])}});
  }
  if (!request.contains("do")) return Text(Failure("a request says hello, do or look"));
  v1::Event event;
  google::protobuf::util::JsonParseOptions options;
  if (!google::protobuf::util::JsonStringToMessage(Text(request["do"]), &event, options).ok() ||
      event.kind_case() == v1::Event::KIND_NOT_SET) {
    return Text(Failure("'do' is a postern.v1.Event as JSON"));
  }
  if (request.contains("files") && request["files"].is_object()) {
    for (const auto& [id, path] : request["files"].items()) {
      if (!path.is_string() || !files_.AddFromPath(id, path.get<std::string>()).ok()) {
        return Text(Failure("a file cannot be read"));
      }
    }
  }
  const absl::Time now = absl::Now();
  if (!event.has_event_time()) SetTime(*event.mutable_event_time(), now);
  if (event.has_message_created() && !event.message_created().message().has_create_time()) {
    SetTime(*event.mutable_message_created()->mutable_message()->mutable_create_time(), now);
  }
  world_.Apply(event);
  if (const absl::Status status = tell_(event); !status.ok()) {
    return Text(Failure(status.message()));
  }
  Json done = Json::object();
  if (event.has_message_created()) {
    done["end_to_end_encrypted"] = event.message_created().message().end_to_end_encrypted();
  }
  return Text({{"done", std::move(done)}});
}

}  // namespace postern::demo
