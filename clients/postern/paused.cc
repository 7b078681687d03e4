// SPDX-License-Identifier: Apache-2.0
#include "clients/postern/paused.h"

namespace postern::cli {

void SayWhenPaused(Context& context, Owner& owner) {
  const auto status = owner.GetStatus();
  if (!status.ok() || !status->paused()) return;
  context.out.Line(context.out.Paint(Style::kAttention,
                                     "All apps are paused: none of this works until you run "
                                     "`postern resume`."));
}

}  // namespace postern::cli
