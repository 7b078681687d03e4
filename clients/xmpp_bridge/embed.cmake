# SPDX-License-Identifier: Apache-2.0
# Turns MANIFEST and EXAMPLE into a C++ header, so that the program runs from anywhere.
file(READ ${MANIFEST} manifest)
file(READ ${EXAMPLE} example)
file(WRITE ${OUTPUT} "// Made from manifest.toml and example.toml by embed.cmake.
#pragma once
namespace postern::xmpp_bridge {
inline constexpr char kManifestText[] = R\"toml(${manifest})toml\";
inline constexpr char kExampleText[] = R\"toml(${example})toml\";
}  // namespace postern::xmpp_bridge
")
