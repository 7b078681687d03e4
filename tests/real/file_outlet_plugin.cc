// SPDX-License-Identifier: GPL-3.0-or-later
// The libpurple adapter without a broker, for tests only: what it hands over is written to the file
// POSTERN_TEST_EVENTS, one JSON object a line; commands and the parts of uploads are read, one a
// line, from the FIFO POSTERN_TEST_COMMANDS. Built with the tests and never installed.
#include <accountopt.h>
#include <fcntl.h>
#include <google/protobuf/util/json_util.h>
#include <plugin.h>
#include <unistd.h>
#include <version.h>

#include <cstdlib>
#include <fstream>
#include <memory>
#include <string>

#include "clients/gatekeepers/purple/account_adapter.h"
#include "clients/gatekeepers/purple/outlet.h"

namespace postern::purple {
namespace {

class FileOutlet : public Outlet {
 public:
  explicit FileOutlet(const char* path) : file_(path, std::ios::app) {}

  absl::Status Submit(const v1::Event& event, const std::string& command_id) override {
    Write("event", event, command_id);
    return absl::OkStatus();
  }
  absl::Status Answer(const v1::CommandResult& result, std::span<const v1::Event> events) override {
    for (const v1::Event& event : events) Write("event", event, result.command_id());
    Write("result", result);
    return absl::OkStatus();
  }
  absl::Status SendChunk(const v1::AttachmentChunk& chunk) override {
    Write("chunk", chunk);
    return absl::OkStatus();
  }

 private:
  // 'command_id': the command that caused it. Ids of tests need no escaping.
  void Write(const char* what, const google::protobuf::Message& message,
             const std::string& command_id = {}) {
    std::string json;
    google::protobuf::util::JsonPrintOptions options;
    options.always_print_primitive_fields = true;
    options.preserve_proto_field_names = true;
    (void)google::protobuf::util::MessageToJsonString(message, &json, options);
    file_ << "{\"" << what << "\":" << json;
    if (!command_id.empty()) file_ << ",\"command_id\":\"" << command_id << "\"";
    file_ << "}" << std::endl;
  }

  std::ofstream file_;
};

struct State {
  std::unique_ptr<FileOutlet> outlet;
  std::unique_ptr<AccountAdapter> adapter;
  GIOChannel* commands = nullptr;
  guint watch = 0;
};
State g_state;

gboolean OnCommand(GIOChannel* channel, GIOCondition, gpointer) {
  char* line = nullptr;
  if (g_io_channel_read_line(channel, &line, nullptr, nullptr, nullptr) != G_IO_STATUS_NORMAL)
    return TRUE;
  // A line that begins with '+' is a part of an upload.
  if (*line == '+') {
    v1::AttachmentChunk chunk;
    (void)google::protobuf::util::JsonStringToMessage(line + 1, &chunk);
    g_state.adapter->files().TakeChunk(chunk);
  } else {
    v1::Command command;
    (void)google::protobuf::util::JsonStringToMessage(line, &command);
    g_state.adapter->Execute(command);
  }
  g_free(line);
  return TRUE;
}

gboolean OnLoad(PurplePlugin*) {
  const char* events = std::getenv("POSTERN_TEST_EVENTS");
  const char* commands = std::getenv("POSTERN_TEST_COMMANDS");
  GList* accounts = purple_accounts_get_all();
  if (events == nullptr || commands == nullptr || accounts == nullptr) return FALSE;
  g_state.outlet = std::make_unique<FileOutlet>(events);
  g_state.adapter = std::make_unique<AccountAdapter>(static_cast<PurpleAccount*>(accounts->data),
                                                     *g_state.outlet);
  // For reading and writing, so that the FIFO never ends.
  g_state.commands = g_io_channel_unix_new(open(commands, O_RDWR | O_CLOEXEC | O_NONBLOCK));
  g_state.watch = g_io_add_watch(g_state.commands, G_IO_IN, OnCommand, nullptr);
  return TRUE;
}

gboolean OnUnload(PurplePlugin*) {
  g_source_remove(g_state.watch);
  g_io_channel_unref(g_state.commands);
  g_state.adapter.reset();
  g_state.outlet.reset();
  return TRUE;
}

PurplePluginInfo g_info = [] {
  PurplePluginInfo info = {};
  info.magic = PURPLE_PLUGIN_MAGIC;
  info.major_version = PURPLE_MAJOR_VERSION;
  info.minor_version = PURPLE_MINOR_VERSION;
  info.type = PURPLE_PLUGIN_STANDARD;
  info.priority = PURPLE_PRIORITY_DEFAULT;
  info.id = const_cast<char*>("core-postern-file-outlet");
  info.name = const_cast<char*>("Postern adapter test");
  info.version = const_cast<char*>("1");
  info.load = OnLoad;
  info.unload = OnUnload;
  return info;
}();

}  // namespace
}  // namespace postern::purple

extern "C" G_MODULE_EXPORT gboolean purple_init_plugin(PurplePlugin* plugin) {
  plugin->info = &postern::purple::g_info;
  return purple_plugin_register(plugin);
}
