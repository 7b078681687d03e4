// SPDX-License-Identifier: Apache-2.0
// The words of a row (rows.h): what each '$word' stands for, made when it is first used.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <map>
#include <string>

#include "clients/conformance/ends.h"

namespace postern::conformance {

// Knows one row at a time.
class Words {
 public:
  // 'names': who plays which part, as the far end's program says. 'folder': where the files that
  // people send are made. What 'ends' refers to must outlive this.
  Words(const Ends& ends, Json names, std::string folder);

  // Forgets the last row's words. 'chat': "direct" or "group", where the new row plays.
  void Begin(const std::string& chat);

  // The text with its words filled in, making what has to be made. INTERNAL for what is malformed,
  // NOT_FOUND for a word that nobody names or a message that did not come, FAILED_PRECONDITION
  // where the adapter says that it cannot; else the ends' errors.
  absl::StatusOr<v1::Event> FilledEvent(const std::string& text);
  absl::StatusOr<v1::Command> FilledCommand(const std::string& text);
  absl::StatusOr<Json> FilledView(const std::string& text);

  // A message of the other person, beside the one that the row is about: its id. 'rest': its
  // fields.
  absl::StatusOr<std::string> MakeTheirs(const std::string& rest);

  // What the word stands for by now: empty where it was not used.
  std::string Known(const std::string& word) const;
  void Set(const std::string& word, const std::string& value) { words_[word] = value; }

  // The chat where the row plays: empty where the far end names none.
  std::string chat_id() const { return names_.value(chat_, std::string()); }
  // The file that was made last, and the paths of this row's by the ids that they have in it.
  const OfferedFile& file() const { return file_; }
  Json file_paths() const;

 private:
  enum class Quoting { kTextFormat, kJson };

  absl::StatusOr<std::string> Fill(const std::string& text, Quoting quoting);
  absl::StatusOr<std::string> Value(const std::string& word);
  void MakeFile();
  absl::Status MakeVideo();
  void MakeTimes();
  // What the adapter calls the file that it has taken.
  absl::StatusOr<std::string> Upload(const OfferedFile& file);
  absl::StatusOr<std::string> MakeOurs();

  const Ends ends_;
  const Json names_;
  const std::string folder_;
  // The words of this row.
  std::map<std::string, std::string> words_;
  std::string chat_;
  std::string file_path_;
  OfferedFile file_;
  int made_ = 0;
};

}  // namespace postern::conformance
