// SPDX-License-Identifier: Apache-2.0
// Addresses of people, as "scheme:rest": "tel:+15551234", "xmpp:alice@example.org".
#pragma once

#include <string>
#include <string_view>

namespace postern::broker {

// Whether it has a scheme (RFC 3986) and something behind it, within kNameBytesMax: one without a
// scheme could be anybody's on some other network.
bool IsAddress(std::string_view text);

// What two spellings of one address have in common: neither case nor, in telephone numbers, what
// separates digits for the eye (RFC 3966).
std::string AddressKey(std::string_view address);

}  // namespace postern::broker
