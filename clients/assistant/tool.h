// SPDX-License-Identifier: Apache-2.0
// What a tool is. A new one is a Tool in one of the *_tools.cc files, and nothing else.
#pragma once

#include <absl/status/statusor.h>
#include <absl/time/clock.h>
#include <grpcpp/grpcpp.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "clients/assistant/arguments.h"
#include "clients/assistant/config.h"
#include "clients/assistant/message_json.h"
#include "clients/assistant/send_outcomes.h"
#include "clients/sdk/client.h"
#include "clients/sdk/stubs.h"

namespace postern::assistant {

// What a tool may work with.
struct ToolCall {
  const std::shared_ptr<sdk::Client>& client;
  const Config& config;
  const Arguments& arguments;
  SendOutcomes& outcomes;
};

// What it found.
struct ToolAnswer {
  Json structured;
  // Blocks besides the text of 'structured': pictures and files.
  Json content = Json::array();
};

// What it does to the world, for the hints of MCP.
enum class Effect {
  kReads,     // and brings in other people's words
  kLooks,     // at what this program itself did
  kPrepares,  // a draft, which goes nowhere by itself
  kSends,
};

struct Tool {
  const char* name;
  const char* title;
  std::string description;
  Effect effect;
  Json schema;
  std::function<absl::StatusOr<ToolAnswer>(const ToolCall&)> run;
};

std::vector<Tool> ChatTools(const Config& config);
std::vector<Tool> MessageTools(const Config& config);
Tool MediaTool();
// Empty where nothing may be written.
std::vector<Tool> SendTools(const Config& config);

// The two arguments of every list.
std::vector<Field> WithPage(std::vector<Field> fields, const Config& config);
sdk::PageOptions PageOf(const Arguments& arguments);
// Says where a list goes on, if it does.
void SayNextPage(ToolAnswer& answer, const std::string& token);

// One call of a raw stub: Ask(*client->stubs().chat, &v1::ChatService::Stub::GetChat, request).
// Waits for a broker that is restarting.
template <typename Stub, typename Request, typename Response>
absl::StatusOr<Response> Ask(Stub& stub,
                             grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                                          Response*),
                             const Request& request) {
  grpc::ClientContext context;
  context.set_wait_for_ready(true);
  context.set_deadline(absl::ToChronoTime(absl::Now() + absl::Seconds(30)));
  Response response;
  const grpc::Status status = (stub.*method)(&context, request, &response);
  if (!status.ok()) return sdk::ToStatus(status);
  return response;
}

}  // namespace postern::assistant
