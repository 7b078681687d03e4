// SPDX-License-Identifier: GPL-3.0-or-later
// What the adapter must remember from one run to the next, in libpurple's own 0700 folder: small
// facts by kind and key, and whether the last run ended cleanly. Never a message's text.
#pragma once

#include <ctime>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace postern::purple {

// The kinds of facts, as they stand in the file.
inline constexpr char kChatFact[] = "chat";            // announced
inline constexpr char kEncryptedFact[] = "encrypted";  // the chat has been encrypted
inline constexpr char kContactFact[] = "contact";      // two marks and the name, as last told
inline constexpr char kDevicesFact[] = "devices";      // OMEMO device ids, as words
inline constexpr char kRoomFact[] = "room";            // joined; the value is the nick
inline constexpr char kInvitedFact[] = "invited";      // room; the value is who invites
inline constexpr char kAskedFact[] = "asked";          // person: asks to be a contact
inline constexpr char kSeenFact[] = "seen";            // room + message id: taken already
inline constexpr char kOriginFact[] = "origin";        // room + message id: the sender's own id
inline constexpr char kNamedFact[] = "named";  // room + person + their own id: the message id
inline constexpr char kReactionsFact[] = "reactions";  // chat + message + person: emojis, as words

// The marks of kContactFact: in the address book, blocked, or not.
inline constexpr char kInRoster = 'r';
inline constexpr char kBlocked = 'b';
inline constexpr char kNot = '-';

class Remembered {
 public:
  // Reads 'folder'/postern-facts. What cannot be read counts as not remembered: a chat is then
  // announced once more, which is harmless. Of each kind that grows with what others do the
  // newest 'kGrowingFactsMax' are kept.
  explicit Remembered(std::string folder);

  bool Has(const char* kind, const std::string& key) const;
  // Empty when there is none.
  std::string Get(const char* kind, const std::string& key) const;
  // True when that is new.
  bool Put(const char* kind, const std::string& key, const std::string& value = {});
  // Values that are a list of words: nothing of them holds a space.
  std::vector<std::string> Words(const char* kind, const std::string& key) const;
  bool PutWords(const char* kind, const std::string& key, const std::vector<std::string>& words);
  void Forget(const char* kind, const std::string& key);
  std::vector<std::string> Keys(const char* kind) const;
  // One key of several parts.
  static std::string Key(std::initializer_list<std::string> parts);

  // Marks that messages may be arriving from now on. Returns when the last run did so, if it never
  // said that it was over: what reached it in its last moment may be lost.
  std::optional<std::time_t> BeginSession();
  void EndSession();

 private:
  static constexpr size_t kGrowingFactsMax = 2000;
  // Of invitations, and of requests, that nobody has answered: strangers send them.
  static constexpr size_t kUnansweredMax = 200;
  struct Facts {
    std::map<std::string, std::string> values;
    std::deque<std::string> order;  // of the kinds that grow: the same keys, oldest first
  };

  void Take(const std::string& kind, const std::string& key, const std::string& value);
  // True when there was one.
  bool Drop(const std::string& kind, const std::string& key);
  void Append(const std::string& kind, const std::string& key, const std::string& value);
  void Rewrite();

  std::string facts_path_;
  std::string session_path_;
  std::map<std::string, Facts> facts_;
  size_t lines_ = 0;  // in the file
  bool in_session_ = false;
};

}  // namespace postern::purple
