// SPDX-License-Identifier: GPL-3.0-or-later
// The file: one fact a line, "kind TAB key TAB value", the last line of a key counts; "-kind"
// forgets.
#include "clients/gatekeepers/purple/remembered.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <sstream>
#include <utility>

namespace postern::purple {
namespace {

// The file is written anew when it holds so many lines, most of them then out of date.
constexpr size_t kLinesMax = 20000;
constexpr char kKeyJoint = '\x1f';

bool Grows(const std::string& kind) {
  return kind == kInvitedFact || kind == kAskedFact || kind == kSeenFact || kind == kOriginFact ||
         kind == kNamedFact || kind == kReactionsFact;
}

// Names of people are in here: nothing may look like the end of a field.
std::string OneField(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c == '\t' || c == '\n' || c == '\r'; }, ' ');
  return text;
}

}  // namespace

Remembered::Remembered(std::string folder)
    : facts_path_(folder + "/postern-facts"), session_path_(folder + "/postern-session") {
  std::ifstream file(facts_path_);
  for (std::string line; std::getline(file, line); ++lines_) {
    const size_t first = line.find('\t');
    const size_t second = first == std::string::npos ? first : line.find('\t', first + 1);
    if (second == std::string::npos) continue;
    const std::string key = line.substr(first + 1, second - first - 1);
    if (line[0] == '-') {
      Drop(line.substr(1, first - 1), key);
    } else {
      Take(line.substr(0, first), key, line.substr(second + 1));
    }
  }
  if (lines_ > kLinesMax / 2) Rewrite();
}

bool Remembered::Has(const char* kind, const std::string& key) const {
  const auto facts = facts_.find(kind);
  return facts != facts_.end() && facts->second.values.count(OneField(key)) > 0;
}

std::string Remembered::Get(const char* kind, const std::string& key) const {
  const auto facts = facts_.find(kind);
  if (facts == facts_.end()) return "";
  const auto found = facts->second.values.find(OneField(key));
  return found == facts->second.values.end() ? "" : found->second;
}

bool Remembered::Put(const char* kind, const std::string& key, const std::string& value) {
  const std::string kept_key = OneField(key);
  const std::string kept_value = OneField(value);
  if (Has(kind, kept_key) && Get(kind, kept_key) == kept_value) return false;
  Take(kind, kept_key, kept_value);
  Append(kind, kept_key, kept_value);
  return true;
}

std::vector<std::string> Remembered::Words(const char* kind, const std::string& key) const {
  std::istringstream text(Get(kind, key));
  return {std::istream_iterator<std::string>(text), {}};
}

bool Remembered::PutWords(const char* kind, const std::string& key,
                          const std::vector<std::string>& words) {
  std::string value;
  for (const std::string& word : words) value += word + " ";
  return Put(kind, key, value);
}

void Remembered::Forget(const char* kind, const std::string& key) {
  if (Drop(kind, OneField(key))) Append(std::string("-") + kind, OneField(key), "");
}

std::vector<std::string> Remembered::Keys(const char* kind) const {
  std::vector<std::string> keys;
  const auto facts = facts_.find(kind);
  if (facts == facts_.end()) return keys;
  for (const auto& [key, value] : facts->second.values) keys.push_back(key);
  return keys;
}

std::string Remembered::Key(std::initializer_list<std::string> parts) {
  std::string key;
  for (const std::string& part : parts) {
    if (!key.empty()) key += kKeyJoint;
    key += part;
  }
  return key;
}

void Remembered::Take(const std::string& kind, const std::string& key, const std::string& value) {
  Facts& facts = facts_[kind];
  const bool is_new = facts.values.insert_or_assign(key, value).second;
  if (!is_new || !Grows(kind)) return;
  facts.order.push_back(key);
  const bool waits = kind == kInvitedFact || kind == kAskedFact;
  if (facts.order.size() <= (waits ? kUnansweredMax : kGrowingFactsMax)) return;
  facts.values.erase(facts.order.front());
  facts.order.pop_front();
}

bool Remembered::Drop(const std::string& kind, const std::string& key) {
  const auto facts = facts_.find(kind);
  if (facts == facts_.end() || facts->second.values.erase(key) == 0) return false;
  std::erase(facts->second.order, key);
  return true;
}

void Remembered::Append(const std::string& kind, const std::string& key, const std::string& value) {
  if (++lines_ > kLinesMax) return Rewrite();
  std::ofstream(facts_path_, std::ios::app) << kind << '\t' << key << '\t' << value << '\n';
}

void Remembered::Rewrite() {
  const std::string fresh = facts_path_ + ".new";
  {
    std::ofstream file(fresh, std::ios::trunc);
    for (const auto& [kind, facts] : facts_) {
      const auto write = [&, &of_kind = kind](const std::string& key, const std::string& value) {
        file << of_kind << '\t' << key << '\t' << value << '\n';
      };
      if (Grows(kind)) {
        // The oldest first: the next run must know which to drop.
        for (const std::string& key : facts.order) write(key, facts.values.at(key));
      } else {
        for (const auto& [key, value] : facts.values) write(key, value);
      }
    }
    if (!file.flush()) return;
  }
  if (std::rename(fresh.c_str(), facts_path_.c_str()) != 0) return;
  lines_ = 0;
  for (const auto& [kind, facts] : facts_) lines_ += facts.values.size();
}

std::optional<std::time_t> Remembered::BeginSession() {
  std::optional<std::time_t> unfinished;
  struct stat status = {};
  if (!in_session_ && stat(session_path_.c_str(), &status) == 0) unfinished = status.st_mtime;
  std::ofstream(session_path_, std::ios::trunc) << getpid() << '\n';
  in_session_ = true;
  return unfinished;
}

void Remembered::EndSession() {
  in_session_ = false;
  unlink(session_path_.c_str());
}

}  // namespace postern::purple
