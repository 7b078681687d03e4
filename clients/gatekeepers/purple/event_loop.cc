// SPDX-License-Identifier: GPL-3.0-or-later
#include "clients/gatekeepers/purple/event_loop.h"

#include <glib.h>

#include <memory>

namespace postern::purple {
namespace {

constexpr int kReadConditions = G_IO_IN | G_IO_HUP | G_IO_ERR;
constexpr int kWriteConditions = G_IO_OUT | G_IO_HUP | G_IO_ERR | G_IO_NVAL;

struct Watch {
  PurpleInputFunction function;
  gpointer data;
};

gboolean OnReady(GIOChannel* channel, GIOCondition condition, gpointer data) {
  const Watch& watch = *static_cast<Watch*>(data);
  int purple_condition = 0;
  if ((condition & kReadConditions) != 0) purple_condition |= PURPLE_INPUT_READ;
  if ((condition & kWriteConditions) != 0) purple_condition |= PURPLE_INPUT_WRITE;
  watch.function(watch.data, g_io_channel_unix_get_fd(channel),
                 static_cast<PurpleInputCondition>(purple_condition));
  return G_SOURCE_CONTINUE;
}

guint AddInput(int descriptor, PurpleInputCondition condition, PurpleInputFunction function,
               gpointer data) {
  int conditions = 0;
  if ((condition & PURPLE_INPUT_READ) != 0) conditions |= kReadConditions;
  if ((condition & PURPLE_INPUT_WRITE) != 0) conditions |= kWriteConditions;
  GIOChannel* channel = g_io_channel_unix_new(descriptor);
  const guint id =
      g_io_add_watch_full(channel, G_PRIORITY_DEFAULT, static_cast<GIOCondition>(conditions),
                          OnReady, std::make_unique<Watch>(Watch{function, data}).release(),
                          [](gpointer watch) { delete static_cast<Watch*>(watch); });
  g_io_channel_unref(channel);
  return id;
}

}  // namespace

PurpleEventLoopUiOps* GlibEventLoop() {
  static PurpleEventLoopUiOps operations = {g_timeout_add,   g_source_remove, AddInput,
                                            g_source_remove, nullptr,         g_timeout_add_seconds,
                                            nullptr,         nullptr,         nullptr};
  return &operations;
}

}  // namespace postern::purple
