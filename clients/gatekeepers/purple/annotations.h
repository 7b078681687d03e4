// SPDX-License-Identifier: GPL-3.0-or-later
// What one stanza says about another message: replies (XEP-0461), corrections (0308), retractions
// (0424), reactions (0444), receipts (0184), markers (0333), typing (0085), files by link (0066,
// 0454). Reading and writing of the elements, no more: pure functions over libpurple's XML tree.
//
// All of it stands beside an OMEMO payload, never in it: the server sees which message is meant,
// and the emoji of a reaction. A reply's and a correction's text is in the payload.
#pragma once

#include <xmlnode.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace postern::purple {

struct Annotations {
  std::string reply_to_id;   // it answers this message
  std::string reply_to_jid;  // whose author is this, as the stanza says
  // The part of the text that only repeats the answered message (XEP-0428), in characters.
  std::optional<std::pair<size_t, size_t>> quotation;
  bool only_fallback = false;  // the whole text is for clients that know no reactions, retractions
  std::string corrected_id;    // it is the new text of this message
  std::string retracted_id;    // this message is taken back
  std::string reacted_id;      // its author's reactions to this message are now 'reactions'
  std::vector<std::string> reactions;
  std::string delivered_id;  // this message was delivered
  std::string displayed_id;  // messages up to this one were read
  bool wants_receipt = false;
  std::optional<bool> typing;  // types now, or stopped
  std::string file_url;        // the text is no more than this link
};

// Whether a reaction may be this: one word that is no longer than the contract lets it be.
bool IsReaction(std::string_view text);

// 'message' is the one inside, if it came wrapped; 'text' its decrypted text.
Annotations ReadAnnotations(xmlnode* message, std::string_view text);

// A text without what only repeats the answered message, and that part without its "> ".
struct ReplyText {
  std::string text;
  std::string excerpt;
};
ReplyText SplitReply(std::string_view text, const Annotations& annotations);

// The text of a reply for clients that know none: 'excerpt' quoted, then 'text'. Returns it and how
// many characters the quotation has. Nothing is quoted when 'excerpt' is empty.
std::pair<std::string, size_t> QuoteBefore(std::string_view excerpt, std::string_view text);

// "/me waves" (XEP-0245): takes the "/me " off and returns whether it was there.
bool TakeMe(std::string& text);
std::string WithMe(std::string_view text);

// Put one element into a message.
void AddReply(xmlnode* message, const std::string& id, const std::string& author_jid,
              size_t quoted_characters);
void AddCorrection(xmlnode* message, const std::string& id);
void AddReceiptRequest(xmlnode* message, bool group);
void AddRetraction(xmlnode* message, const std::string& id);
void AddReactions(xmlnode* message, const std::string& id, const std::vector<std::string>& emojis);
void AddDelivered(xmlnode* message, const std::string& id);
void AddDisplayed(xmlnode* message, const std::string& id);
void AddTyping(xmlnode* message, bool active);
void AddFile(xmlnode* message, const std::string& url);

}  // namespace postern::purple
