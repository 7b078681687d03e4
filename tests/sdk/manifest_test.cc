// SPDX-License-Identifier: Apache-2.0
#include "clients/sdk/manifest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

namespace postern::sdk {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr char kGood[] = R"(app_id = "org.example.translator"
display_name = "Translator"
purpose = "Translates messages for you."
required_scopes = ["messages:read"]
optional_scopes = ["messages:send", "reactions:write"]

[data_destination]
kind = "leaves_device"
service = "translate.example"
)";

std::string Replace(std::string text, const std::string& from, const std::string& to) {
  return text.replace(text.find(from), from.size(), to);
}

std::string ErrorOf(const std::string& toml) {
  const auto manifest = ParseManifest(toml, "app.toml");
  EXPECT_TRUE(absl::IsInvalidArgument(manifest.status())) << manifest.status();
  return std::string(manifest.status().message());
}

TEST(ManifestErrors, NameTheLineAndTheField) {
  EXPECT_THAT(ErrorOf(Replace(kGood, "messages:send", "messages:shout")),
              StartsWith("app.toml:5: optional_scopes: there is no scope \"messages:shout\""));
  EXPECT_THAT(ErrorOf(Replace(kGood, "purpose", "porpoise")), StartsWith("app.toml:3: porpoise"));
  EXPECT_THAT(ErrorOf(Replace(kGood, "\"Translator\"", "7")),
              StartsWith("app.toml:2: display_name"));
  EXPECT_THAT(ErrorOf(Replace(kGood, "org.example", "Org.Example")),
              StartsWith("app.toml:1: app_id"));
  EXPECT_THAT(ErrorOf(Replace(kGood, "\"messages:read\"]", "\"messages:send\"]")),
              HasSubstr("names \"messages:send\" twice"));
  EXPECT_THAT(ErrorOf(Replace(kGood, "purpose =", "purpose ")), StartsWith("app.toml:3: "));
}

TEST(ManifestErrors, RefuseAProgramThatDoesNotSayWhereDataGoes) {
  EXPECT_THAT(ErrorOf(std::string(kGood, std::string(kGood).find("[data"))),
              HasSubstr("data_destination"));
  EXPECT_THAT(ErrorOf(Replace(kGood, "service = \"translate.example\"", "")),
              HasSubstr("data_destination.service"));
  EXPECT_THAT(ErrorOf(Replace(kGood, "leaves_device", "somewhere")),
              HasSubstr("data_destination.kind"));
}

TEST(ManifestErrors, RefuseTheOwnersRoleAndAnAppWithoutScopes) {
  EXPECT_THAT(ErrorOf("role = \"owner\"\n" + std::string(kGood)), StartsWith("app.toml:1: role"));
  v1::Manifest manifest = *ParseManifest(kGood, "app.toml");
  manifest.set_role(v1::ROLE_OWNER);
  EXPECT_TRUE(absl::IsInvalidArgument(CheckManifest(manifest)));
  manifest.set_role(v1::ROLE_APP);
  manifest.clear_required_scopes();
  manifest.clear_optional_scopes();
  EXPECT_TRUE(absl::IsInvalidArgument(CheckManifest(manifest)));
}

TEST(ManifestErrors, AreWhatTheBrokerWouldSay) {
  const v1::Manifest good = *ParseManifest(kGood, "app.toml");
  const auto refuses = [&](const std::function<void(v1::Manifest&)>& change) {
    v1::Manifest manifest = good;
    change(manifest);
    return absl::IsInvalidArgument(CheckManifest(manifest));
  };
  EXPECT_TRUE(refuses([](v1::Manifest& m) { m.set_app_id("org..example"); }));
  EXPECT_TRUE(refuses([](v1::Manifest& m) { m.set_app_id("../../etc"); }));
  EXPECT_TRUE(refuses([](v1::Manifest& m) { m.set_software_version("1.0 (beta)"); }));
  EXPECT_TRUE(refuses([](v1::Manifest& m) { m.set_homepage("javascript:alert(1)"); }));
  EXPECT_TRUE(refuses([](v1::Manifest& m) { m.set_systemd_unit("../evil.service"); }));
  EXPECT_TRUE(refuses([](v1::Manifest& m) { m.set_display_name(std::string(3000, 'x')); }));
  EXPECT_TRUE(refuses([](v1::Manifest& m) { m.add_networks("xmpp"); }));
}

TEST(ManifestErrors, AreNotTheCallersAnswerToAMissingFile) {
  EXPECT_TRUE(absl::IsNotFound(LoadManifest("/nonexistent/app.toml").status()));
}

TEST(Manifest, IsReadWhole) {
  const auto manifest = ParseManifest(kGood, "app.toml");
  ASSERT_TRUE(manifest.ok()) << manifest.status();
  EXPECT_EQ(manifest->app_id(), "org.example.translator");
  EXPECT_EQ(manifest->role(), v1::ROLE_APP);
  EXPECT_EQ(manifest->protocol_version().major(), 1u);
  EXPECT_THAT(manifest->required_scopes(), ::testing::ElementsAre(v1::SCOPE_MESSAGES_READ));
  EXPECT_THAT(manifest->optional_scopes(),
              ::testing::ElementsAre(v1::SCOPE_MESSAGES_SEND, v1::SCOPE_REACTIONS_WRITE));
  EXPECT_EQ(manifest->data_destination().kind(), v1::DataDestination::KIND_LEAVES_DEVICE);
  EXPECT_EQ(manifest->data_destination().service(), "translate.example");
}

TEST(ScopeNames, CoverEveryScopeOfTheContractBothWays) {
  for (int value = v1::Scope_MIN + 1; value <= v1::Scope_MAX; ++value) {
    const auto scope = static_cast<v1::Scope>(value);
    EXPECT_FALSE(ScopeName(scope).empty()) << value;
    EXPECT_EQ(ScopeOf(ScopeName(scope)), scope);
  }
  EXPECT_EQ(ScopeOf("messages:everything"), v1::SCOPE_UNSPECIFIED);
}

}  // namespace
}  // namespace postern::sdk
