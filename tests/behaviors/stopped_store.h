// SPDX-License-Identifier: Apache-2.0
// The database of a broker that is stopped, changed behind its back.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <utility>

#include "broker/store.h"
#include "tests/behaviors/broker_harness.h"

namespace postern::behaviors {

// Does 'change' to the database of a harness whose broker is stopped, and closes it again. The test
// fails when that cannot be done.
inline void ChangeStored(BrokerHarness& harness, const broker::Store::Job& change) {
  auto key = harness.secrets().Lookup("database-key");
  ASSERT_TRUE(key.ok()) << key.status();
  auto store = broker::Store::Open({.directory = harness.data_dir(),
                                    .key = *std::move(key),
                                    .clock = &harness.clock(),
                                    .create = broker::Create::kNever});
  ASSERT_TRUE(store.ok()) << store.status();
  const absl::Status changed = (*store)->Write(change);
  ASSERT_TRUE(changed.ok()) << changed;
}

}  // namespace postern::behaviors
