// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "clients/postern/terminal.h"

namespace postern::cli {
namespace {

std::string Printed(const Table& table) {
  char* text = nullptr;
  size_t size = 0;
  std::FILE* stream = ::open_memstream(&text, &size);
  Terminal terminal(stream, false);
  table.Print(terminal);
  std::fclose(stream);
  std::string printed(text, size);
  std::free(text);
  return printed;
}

TEST(Table, OrdersByANameAsPeopleDo) {
  Table table({"ID", "NAME"});
  table.AddRow({"1", "work"});
  table.AddRow({"2", "Alice"});
  table.AddRow({"3", "bob"});
  table.AddRow({"4", "Alice"});
  table.SortBy(1);
  EXPECT_EQ(Printed(table),
            "ID  NAME\n"
            "2   Alice\n"
            "4   Alice\n"
            "3   bob\n"
            "1   work\n");
}

}  // namespace
}  // namespace postern::cli
