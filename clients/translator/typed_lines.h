// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <thread>

namespace postern::translator {

// Hands on each line of standard input, from a thread of its own, until that ends or this goes.
class TypedLines {
 public:
  explicit TypedLines(std::function<void(const std::string&)> on_line);
  ~TypedLines();
  TypedLines(const TypedLines&) = delete;
  TypedLines& operator=(const TypedLines&) = delete;

 private:
  void Read();

  const std::function<void(const std::string&)> on_line_;
  int wake_ = -1;  // an eventfd: what ends the wait for input
  std::thread thread_;
};

}  // namespace postern::translator
