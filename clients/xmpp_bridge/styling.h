// SPDX-License-Identifier: Apache-2.0
// Formatting: the contract's spans on one side, Message Styling (XEP-0393) on the other, which is
// plain text that every client shows and most show styled.
#pragma once

#include <google/protobuf/repeated_ptr_field.h>

#include <string>
#include <string_view>
#include <vector>

#include "postern/v1/message.pb.h"

namespace postern::xmpp_bridge {

using Spans = google::protobuf::RepeatedPtrField<v1::FormattingSpan>;

// "see *this*" for "see this" with a bold span. Spoilers show their text; a link's target follows
// it.
std::string ToStyled(std::string_view text, const Spans& spans);

struct Unstyled {
  std::string text;
  std::vector<v1::FormattingSpan> spans;
};

// The way back: directives that XEP-0393 sees become spans and leave the text. What is not styling
// stays as it was typed.
Unstyled FromStyled(std::string_view styled);

}  // namespace postern::xmpp_bridge
