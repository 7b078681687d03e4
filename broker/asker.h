// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "broker/app_registry.h"
#include "broker/caller.h"
#include "broker/event_view.h"
#include "broker/parts.h"
#include "broker/pseudonym_book.h"

namespace postern::broker {

// Who asks, with what it may see now.
struct Asker {
  Asker(const Parts& parts, const Caller& caller)
      : app(parts.apps.Find(caller.principal)),
        book(parts.pseudonyms.Of(caller.principal)),
        viewer{*app,          parts.apps.AccessOf(*app), book.pseudonyms, parts.directory,
               parts.history, parts.clock.Now()} {}

  const AppPointer app;
  const PseudonymBook::Page& book;
  const Viewer viewer;
};

}  // namespace postern::broker
